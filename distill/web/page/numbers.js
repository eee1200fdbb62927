// A number as people write it, read by the notation of its column (handler/modalities/numbers.py).
import { asciiMarks, visible } from "./levelling.js";

const [COMMA, ENGLISH, GERMAN, POINT, EITHER] = ["1234,5", "1,234.5", "1.234,5", "1234.5", "1,234.5 or 1.234,5"];
const EXPONENT = "(?:[eE][+-]?\\d+)?";
const whole = (pattern) => new RegExp(`^(?:${pattern})$`, "u");
const SIMPLE = whole("[+\\-]?\\d+(?:\\.\\d+)?");
const PLAIN = whole(`(?:\\d+\\.?\\d*|\\.\\d+)${EXPONENT}`);
const DECIMAL_COMMA = whole(`\\d*,\\d+${EXPONENT}`);
const COMMA_GROUPS = whole(`[1-9]\\d{0,2}(?:(?:,\\d{3})+|(?:,\\d\\d)+,\\d{3})(?:\\.\\d+)?${EXPONENT}`);
const POINT_GROUPS = whole(`[1-9]\\d{0,2}(?:\\.\\d{3})+(?:,\\d+)?${EXPONENT}`);
const OTHER_GROUPS = whole(`[1-9]\\d{0,2}([ '’])\\d{3}(?:\\1\\d{3})*(?:[.,]\\d+)?${EXPONENT}`);
const CURRENCY = (
  "$ € £ ¥ ₹ ₽ ₩ ₺ ₴ ₫ ₪ ฿ ₦ US$ R$ EUR USD GBP CHF JPY CNY INR AUD CAD SEK NOK DKK PLN CZK HUF BRL RUB ZAR " +
  "A$ C$ S$ HK$ NZ$ NT$ AU$ CA$ kr kr. Rs Rs. Fr Fr. SFr. zł Kč Ft руб руб. ₸ ₼ ₾ RM"
).split(" ");
const MONEY = [...CURRENCY].sort((one, other) => other.length - one.length).join("|").replace(/[$.]/g, "\\$&");
const FORM = whole(
  `(?<outer>${MONEY})? ?(?<open>\\()?(?<first>[+\\-])? ?(?<before>${MONEY})? ?(?<second>[+\\-])? ?` +
    `(?<body>[\\d.,](?:[\\d., '’]*[\\d.])?${EXPONENT})` +
    ` ?(?<third>-)? ?(?<after>${MONEY}|[%‰°]|°[CF]|\\p{L}{1,8}(?:/\\p{L}{1,4})?[²³]?)? ?(?<last>-)?(?<close>\\))? ?(?<tail>${MONEY}|%)?`,
);
const ADDRESS = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;
const DASHED_END = /(?<=\d)[.,]--?(?!\d)/g;
const CODE = whole("0\\d+");
/** A cell of a column of this notation and unit; null where it is no number there. */
export function readNumber(text, notation, unit) {
  const found = written(text);
  if (found === null || (found.unit !== unit && (found.unit !== "" || !CURRENCY.includes(unit)))) return null;
  const number = value(found.body, notation);
  return number === null || !found.negative ? number : -number;
}

/** A cell taken apart: { negative, body, unit }; null where it has not the form of a number. */
function written(text) {
  if (SIMPLE.test(text)) return { negative: text[0] === "-", body: text.replace(/^[+-]/, ""), unit: "" };
  let level = visible(text);
  if (level.startsWith('="') && level.endsWith('"')) level = visible(level.slice(2, -1));
  level = asciiMarks(level.replace(/^'/, "")).replace(DASHED_END, "");
  const form = FORM.exec(level)?.groups;
  if (!form) return null;
  const signs = [form.first, form.second, form.third, form.last].filter(Boolean);
  const units = [form.outer, form.before, form.after, form.tail].filter(Boolean);
  const brackets = [form.open, form.close].filter(Boolean).length;
  if (signs.length > 1 || (signs.length && brackets) || brackets === 1 || units.length > 1) return null;
  const [unit = ""] = units;
  if (ADDRESS.test(form.body)) return null;
  if (unit && CODE.test(form.body)) return null;
  return { negative: signs[0] === "-" || brackets > 0, body: form.body, unit };
}

function value(body, notation) {
  const marks = Array.from(body).filter((mark) => mark === "," || mark === ".").length;
  if (OTHER_GROUPS.test(body)) return Number(body.replace(/[ '’]/g, "").replace(",", "."));
  if (COMMA_GROUPS.test(body) && (notation === ENGLISH || marks > 1)) return Number(body.replaceAll(",", ""));
  if (POINT_GROUPS.test(body) && (notation === GERMAN || marks > 1)) {
    return Number(body.replaceAll(".", "").replace(",", "."));
  }
  if (PLAIN.test(body)) {
    const unclear = (notation === COMMA || notation === EITHER) && POINT_GROUPS.test(body);
    return unclear || (notation === GERMAN && body.includes(".")) ? null : Number(body);
  }
  if (!DECIMAL_COMMA.test(body)) return null;
  const unclear = (notation === POINT || notation === EITHER) && COMMA_GROUPS.test(body);
  return unclear || notation === ENGLISH ? null : Number(body.replace(",", "."));
}
