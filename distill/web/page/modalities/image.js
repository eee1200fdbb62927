// Pictures: one file an input, explained by a grid of squares (handler/modalities/image.py). A record is what
// `decode` makes of the file, and the file.
import { InputError } from "../cells.js";
import { MEDIA_TYPES, decode } from "../pictures.js";

const GRID = 7; // squares a side of an explanation
const COPIES_A_RUN = 8;
const MOST_SHOWN = 640; // pixels a side of the preview
const GREY = { pixels: new Uint8Array(3).fill(128), height: 1, width: 1 };

let last = { file: null, record: null }; // the picture that was decoded last: it is asked for at every change

/** See register.js. Parts are { row, column } of a grid over the picture as the graph looks at it. */
export const image = {
  rows: "pictures",
  warmUp: () => GREY,
  shows: "squares",
  reduced: "resized",
  check(record) {
    const { pixels, height, width } = record ?? {};
    if (!(pixels instanceof Uint8Array) || pixels.length !== 3 * height * width || !pixels.length) {
      throw new InputError("An input wants a picture.");
    }
    return record;
  },
  values: (records) => records,
  async read([field], serving) {
    const [file] = field.files;
    if (!file) {
      last = { file: null, record: null };
      shown(null);
      return null;
    }
    if (last.file !== file) last = { file, record: record(file, serving) };
    return last.record;
  },
  fill([field], example) {
    put(field, example === null ? null : new File([fromBase64(example)], "example"));
  },
  listen([field]) {
    const take = (files) => {
      if (!files?.length) return false;
      put(field, files[0]);
      field.dispatchEvent(new Event("input", { bubbles: true }));
      return true;
    };
    const camera = document.getElementById("camera");
    camera.addEventListener("change", () => {
      take(camera.files);
      camera.value = ""; // so that the same photograph can be taken twice
    });
    document.addEventListener("paste", (event) => take(event.clipboardData?.files) && event.preventDefault());
    // Anywhere on the page: a file that misses its place would be opened instead of the page.
    document.addEventListener("dragover", (event) => {
      event.preventDefault();
      field.closest("form").classList.toggle("over", event.dataTransfer.types.includes("Files"));
    });
    document.addEventListener("dragleave", (event) => event.relatedTarget ?? field.closest("form").classList.remove("over"));
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      field.closest("form").classList.remove("over");
      take(event.dataTransfer.files);
    });
  },
  describe: () => "",
  occlusions(record, limits) {
    return limits.max_explained < GRID * GRID ? null : squares(record);
  },
  copiesARun: () => COPIES_A_RUN,
  fromServer: (input, parts) => parts,
  body: ({ file, kind }, options) => ({
    query: options,
    type: MEDIA_TYPES[kind],
    body: file,
    shown: `(the ${file.size.toLocaleString("en")} bytes of your file as they are, with what a camera wrote into them, such as time and place; not its name)`,
  }),
};

async function record(file, serving) {
  let bytes;
  try {
    bytes = new Uint8Array(await file.arrayBuffer());
  } catch {
    throw new InputError("The file cannot be read. Choose it again.");
  }
  try {
    const found = await decode(bytes, serving.inputs[0].background, serving.limits.max_pixels);
    if (last.file === file) shown(found);
    return { ...found, file };
  } catch (error) {
    if (last.file === file) shown(null);
    throw error instanceof InputError ? new InputError(error.message, serving.inputs[0].name) : error;
  }
}

/** Into the field that a person would have chosen it with; null: none. */
function put(field, file) {
  const files = new DataTransfer();
  if (file) files.items.add(file);
  field.files = files.files;
}

/** The preview: of the pixels that are answered, so turned and without anything transparent. */
function shown(picture) {
  const canvas = document.getElementById("picture");
  canvas.hidden = !picture;
  if (!picture) return;
  const { width, height } = picture;
  const share = Math.min(1, MOST_SHOWN / Math.max(width, height));
  const [wide, high] = [width, height].map((side) => Math.max(1, Math.round(side * share)));
  Object.assign(canvas, { width: wide, height: high });
  canvas.setAttribute("aria-label", `Your picture, ${width.toLocaleString("en")} × ${height.toLocaleString("en")} pixels`);
  canvas.getContext("2d").putImageData(thumbnail(picture, wide, high), 0, 0);
}

/** The nearest pixel of each place: it is to be recognised, not to be admired. */
function thumbnail({ pixels, width, height }, wide, high) {
  const made = new ImageData(wide, high);
  for (let y = 0, to = 0; y < high; y += 1) {
    const row = Math.floor(((y + 0.5) * height) / high) * width;
    for (let x = 0; x < wide; x += 1, to += 4) {
      const from = 3 * (row + Math.floor(((x + 0.5) * width) / wide));
      made.data.set(pixels.subarray(from, from + 3), to);
      made.data[to + 3] = 255;
    }
  }
  return made;
}

/** Copies with one square of the grid in the picture's mean colour. */
export function squares({ pixels, height, width }) {
  const side = Math.min(GRID, height, width);
  const [rows, columns] = [height, width].map((size) =>
    Array.from({ length: side + 1 }, (_, i) => (i === side ? size : Math.trunc(i * (size / side)))),
  );
  const colour = mean(pixels);
  return Array.from({ length: side * side }, (_, place) => {
    const [row, column] = [Math.floor(place / side), place % side];
    const without = pixels.slice();
    for (let y = rows[row]; y < rows[row + 1]; y += 1) {
      for (let x = columns[column]; x < columns[column + 1]; x += 1) without.set(colour, 3 * (y * width + x));
    }
    return { part: { row, column }, record: { pixels: without, height, width } };
  });
}

function mean(pixels) {
  const sums = [0, 0, 0];
  for (let i = 0; i < pixels.length; i += 1) sums[i % 3] += pixels[i];
  return sums.map((sum) => toEven((3 * sum) / pixels.length));
}

/** Halves to the even neighbour, as numpy rounds. */
function toEven(value) {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 ? below + 1 : below;
}

const fromBase64 = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
