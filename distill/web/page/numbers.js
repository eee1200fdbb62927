// A number as people write it, read by the notation of its column (handler/modalities/numbers.py).
import { visible } from "./levelling.js";

const [COMMA, ENGLISH, GERMAN, POINT] = ["1234,5", "1,234.5", "1.234,5", "1234.5"];
const EXPONENT = "(?:[eE][+-]?\\d+)?";
const whole = (pattern) => new RegExp(`^(?:${pattern})$`, "u");
const SIMPLE = whole("[+\\-]?\\d+(?:\\.\\d+)?");
const PLAIN = whole(`(?:\\d+\\.?\\d*|\\.\\d+)${EXPONENT}`);
const DECIMAL_COMMA = whole(`\\d*,\\d+${EXPONENT}`);
const COMMA_GROUPS = whole(`[1-9]\\d{0,2}(?:(?:,\\d{3})+|(?:,\\d\\d)+,\\d{3})(?:\\.\\d+)?${EXPONENT}`);
const POINT_GROUPS = whole(`[1-9]\\d{0,2}(?:\\.\\d{3})+(?:,\\d+)?${EXPONENT}`);
const OTHER_GROUPS = whole(`[1-9]\\d{0,2}([ '’])\\d{3}(?:\\1\\d{3})*(?:[.,]\\d+)?${EXPONENT}`);
const CURRENCY =
  "$ € £ ¥ ₹ ₽ ₩ ₺ ₴ ₫ ₪ ฿ ₦ US$ R$ EUR USD GBP CHF JPY CNY INR AUD CAD SEK NOK DKK PLN CZK HUF BRL RUB ZAR".split(" ");
const MONEY = [...CURRENCY].sort((one, other) => other.length - one.length).join("|").replaceAll("$", "\\$");
const FORM = whole(
  `(?<open>\\()?(?<first>[+\\-])? ?(?<before>${MONEY})? ?(?<second>[+\\-])? ?` +
    `(?<body>[\\d.,](?:[\\d., '’]*[\\d.])?${EXPONENT})` +
    ` ?(?<after>${MONEY}|[%‰°]|°[CF]|\\p{L}{1,8}(?:/\\p{L}{1,4})?[²³]?)? ?(?<last>-)?(?<close>\\))?`,
);
const CODE = whole("0\\d+");
const DIGIT = /\p{Nd}/u;
const ASCII = new Map([
  ...Array.from("\u2010\u2011\u2012\u2013\u2014\u2212\ufe58\ufe63\uff0d", (mark) => [mark, "-"]),
  ...Array.from("\uff0b\uff0c\uff0e\uff05\uff04\u066a\u066b\u066c\uff08\uff09", (mark, i) => [mark, "+,.%$%.,()"[i]]),
]);

/** A cell of a column of this notation and unit; null where it is no number there. */
export function readNumber(text, notation, unit) {
  const found = written(text);
  if (found === null || (found.unit !== "" && found.unit !== unit)) return null;
  const number = value(found.body, notation);
  return number === null || !found.negative ? number : -number;
}

/** A cell taken apart: { negative, body, unit }; null where it has not the form of a number. */
function written(text) {
  if (SIMPLE.test(text)) return { negative: text[0] === "-", body: text.replace(/^[+-]/, ""), unit: "" };
  let level = visible(text);
  if (level.startsWith('="') && level.endsWith('"')) level = visible(level.slice(2, -1));
  level = Array.from(level.replace(/^'/, ""), ascii).join("");
  const form = FORM.exec(level)?.groups;
  if (!form) return null;
  const signs = [form.first, form.second, form.last].filter(Boolean);
  const brackets = [form.open, form.close].filter(Boolean).length;
  if (signs.length > 1 || (signs.length && brackets) || brackets === 1 || (form.before && form.after)) return null;
  const unit = form.before ?? form.after ?? "";
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
    const unclear = notation === COMMA && POINT_GROUPS.test(body);
    return unclear || (notation === GERMAN && body.includes(".")) ? null : Number(body);
  }
  if (!DECIMAL_COMMA.test(body)) return null;
  const unclear = notation === POINT && COMMA_GROUPS.test(body);
  return unclear || notation === ENGLISH ? null : Number(body.replace(",", "."));
}

/** A decimal digit of any writing system as ASCII: ten of them stand in a row, from 0 to 9. */
function ascii(mark) {
  if (ASCII.has(mark)) return ASCII.get(mark);
  if (mark < "\u0080" || !DIGIT.test(mark)) return mark;
  let before = 0;
  while (DIGIT.test(String.fromCodePoint(mark.codePointAt(0) - before - 1))) before++;
  return String(before % 10);
}
