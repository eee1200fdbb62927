// Rows of columns: an object of column -> number, string or null (handler/modalities/tabular.py).
import { InputError, checkCell } from "../cells.js";
import { columnName } from "../levelling.js";
import { jsonBody } from "../remote.js";

const COPIES_A_RUN = 64;

/** See register.js. Parts are { column }. */
export const tabular = {
  rows: "rows",
  warmUp: (example) => example ?? {},
  shows: "columns",
  check(input, serving) {
    if (input === null || typeof input !== "object" || Array.isArray(input)) {
      throw new InputError("An input wants an object of columns.");
    }
    const columns = new Map(serving.inputs.map((column) => [column.name, column]));
    const record = Object.create(null); // a column may be called "constructor"
    for (const [key, value] of Object.entries(input)) {
      const name = columns.has(key) ? key : columnName(key);
      if (!columns.has(name)) throw new InputError("This input has a column that the model does not know.");
      if (Object.hasOwn(record, name)) throw new InputError("Two columns of this input have the same name.", name);
      record[name] = checkCell(value, columns.get(name), serving.limits);
    }
    if (Object.keys(record).length === 0) throw new InputError("This input has no columns.");
    return record;
  },
  values: (records, column) =>
    records.map((record) => (Object.hasOwn(record, column.name) ? record[column.name] : null)),
  read(fields) {
    const record = Object.create(null); // a column may be called "constructor"
    for (const field of fields) {
      const { column, kind } = field.dataset;
      if (field.validity.badInput) throw new InputError(`“${column}” wants a number, or nothing.`, column);
      if (field.value !== "") record[column] = kind === "number" ? Number(field.value) : field.value;
    }
    return Object.keys(record).length ? record : null;
  },
  fill(fields, example) {
    for (const field of fields) field.value = example?.[field.dataset.column] ?? "";
  },
  describe: () => "",
  occlusions(record, limits) {
    const sent = Object.keys(record).filter((name) => record[name] !== null);
    if (sent.length > limits.max_explained) return null;
    const without = (column) => Object.assign(Object.create(null), record, { [column]: null });
    return sent.map((column) => ({ part: { column }, record: without(column) }));
  },
  copiesARun: () => COPIES_A_RUN,
  body: jsonBody,
  fromServer: (input, parts) => parts,
};
