// A picture's file -> its pixels, under the rules of handler/modalities/pictures.py: told by its first bytes, its size
// read from the header before anything is decoded, turned as its EXIF says, colour profiles ignored, what is
// transparent on a declared colour, of several frames the first. The browser decodes; its canvas never resizes.
import { InputError } from "./cells.js";
import { turned, withoutExif } from "./exif.js";

const MAX_SIDE = 32_767;
const MOST_JPEG_PIXELS_A_BYTE = 8 * 64; // a block of 8 x 8 takes a bit at least
const PIXELS_AT_A_TIME = 1 << 20; // on a canvas at once: some browsers' large canvases stay empty without a word
const HEAD = 64; // bytes that tell a format
const WANTED = "Wanted JPEG, PNG, WebP, AVIF, GIF or BMP: save or export it as JPEG or PNG.";
const SEEN_AS = [
  ["\xff\xd8\xff", "JPEG"],
  ["\x89PNG\r\n\x1a\n", "PNG"],
  ["GIF87a", "GIF"],
  ["GIF89a", "GIF"],
  ["BM", "BMP"],
];
const OTHERS = [
  ["II*\0", "TIFF, which the API reads and no browser does"],
  ["MM\0*", "TIFF, which the API reads and no browser does"],
  ["%PDF", "a PDF document"],
  ["8BPS", "a Photoshop file"],
  ["PK\x03\x04", "a zip archive or an office document"],
  ["\0\0\x01\0", "an icon (ICO)"],
  ["II+\0", "a BigTIFF"],
  ["MM\0+", "a BigTIFF"],
  ["\xff\x0a", "JPEG XL"],
  ["\0\0\0\x0cJXL ", "JPEG XL"],
  ["\0\0\0\x0cjP  ", "JPEG 2000"],
  ["\xff\x4f\xff\x51", "JPEG 2000"],
  ["\x1f\x8b", "a gzip file"],
];
const HEIC = ["heic", "heix", "hevc", "heim", "heis", "mif1", "msf1", "heif"];

/** The media type of each format. */
export const MEDIA_TYPES = {
  JPEG: "image/jpeg",
  PNG: "image/png",
  WEBP: "image/webp",
  AVIF: "image/avif",
  GIF: "image/gif",
  BMP: "image/bmp",
};

/** Bytes as a string of one character each. */
const latin = (bytes, start, end) => String.fromCharCode(...bytes.subarray(start, end));

/**
 * The format's name, by its first bytes: neither a file's name nor its type counts.
 * @throws {InputError} it is none that is read here
 */
export function formatOf(bytes) {
  if (bytes.length === 0) throw new InputError("The picture’s file is empty.");
  const head = latin(bytes, 0, HEAD);
  const seen = SEEN_AS.find(([start]) => head.startsWith(start));
  if (seen) return seen[1];
  if (head.startsWith("RIFF") && head.slice(8, 12) === "WEBP") return "WEBP";
  if (head.slice(4, 8) === "ftyp") {
    const brands = [head.slice(8, 12), ...(head.slice(16).match(/[^]{4}/g) ?? [])];
    if (brands.includes("avis")) throw unsupported("an animated AVIF, which browsers show in other colours than its own");
    if (brands[0] === "avif" || (brands.includes("avif") && !HEIC.slice(0, 6).includes(brands[0]))) return "AVIF";
    throw unsupported(brands.some((brand) => HEIC.includes(brand)) ? "HEIC, which only Apple’s devices read" : "a film");
  }
  throw unsupported(other(head));
}

function other(head) {
  const known = OTHERS.find(([start]) => head.startsWith(start));
  if (known) return known[1];
  const text = head.replace(/^(\xef\xbb\xbf|\s)+/, "").toLowerCase();
  if (/^<(svg|\?xml|!doctype svg)/.test(text)) return "SVG or another XML document, which is drawn, not stored as pixels";
  return /^<(!doctype|html)/.test(text) ? "an HTML page" : "no picture of a kind that is known here";
}

const unsupported = (what) => new InputError(`This is ${what}. ${WANTED}`);
const broken = (kind) => new InputError(`The ${kind} picture is broken or cut off: it cannot be decoded.`);

/**
 * Width and height as the header has them, before any turning.
 * @throws {InputError} the header says nothing of the kind
 */
export function sizeOf(bytes, kind) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let size;
  try {
    size = SIZES[kind](view, bytes);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // it ends before its header does
  }
  if (!size || !(size[0] >= 1 && size[1] >= 1)) throw broken(kind);
  return size;
}

const SIZES = {
  JPEG: jpegSize,
  PNG: (view) => [view.getUint32(16), view.getUint32(20)],
  GIF: (view) => [view.getUint16(6, true), view.getUint16(8, true)],
  BMP: (view) =>
    view.getUint32(14, true) === 12 // the header of OS/2
      ? [view.getUint16(18, true), view.getUint16(20, true)]
      : [view.getInt32(18, true), Math.abs(view.getInt32(22, true))], // rows may run upwards
  WEBP: webpSize,
  AVIF: avifSize,
};

/** ITU T.81, B.2.2: in the first frame header. */
function jpegSize(view) {
  for (let at = 2; ; ) {
    while (view.getUint8(at) !== 0xff) at += 1;
    while (view.getUint8(at) === 0xff) at += 1;
    const marker = view.getUint8(at);
    at += 1;
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      return [view.getUint16(at + 5), view.getUint16(at + 3)];
    }
    if (marker === 0xd9 || marker === 0xda) return null; // the end, or pixels without a size
    if (marker >= 0xd0 && marker <= 0xd8) continue; // without a length
    if (marker > 0x01) at += Math.max(2, view.getUint16(at));
  }
}

/** RFC 9649. */
function webpSize(view, bytes) {
  switch (latin(bytes, 12, 16)) {
    case "VP8 ":
      return [view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff];
    case "VP8L": {
      const bits = view.getUint32(21, true);
      return [(bits & 0x3fff) + 1, ((bits >>> 14) & 0x3fff) + 1];
    }
    case "VP8X":
      return [1 + (view.getUint32(23, true) >>> 8), 1 + (view.getUint32(26, true) >>> 8)];
    default:
      return null;
  }
}

/** ISO/IEC 23008-12, 6.5.3: the largest of the images' extents, for no other is decoded beyond it. */
function avifSize(view, bytes) {
  let found = null;
  for (let at = 4; at + 16 <= bytes.length; at += 1) {
    if (bytes[at] !== 0x69 || latin(bytes, at, at + 4) !== "ispe" || view.getUint32(at - 4) !== 20) continue;
    const size = [view.getUint32(at + 8), view.getUint32(at + 12)];
    if (!found || size[0] * size[1] > found[0] * found[1]) found = size;
  }
  return found;
}

/** Whether an AVIF has an auxiliary picture of what is transparent: ISO/IEC 23008-12, 6.5.8. */
function isTransparent(bytes) {
  for (let at = bytes.indexOf(0x61); at >= 0; at = bytes.indexOf(0x61, at + 1)) {
    if (latin(bytes, at, at + 4) === "auxC" && /:(alpha|auxid:1)\0/.test(latin(bytes, at + 4, at + 64))) return true;
  }
  return false;
}

/**
 * The pixels of a picture's file.
 * @param bytes Uint8Array, the file as it is
 * @param background "#rrggbb", the colour under what is transparent
 * @returns {{ pixels: Uint8Array, height: number, width: number, kind: string }} pixels of [height, width, 3]
 * @throws {InputError} no picture, one of a kind that is not read, too many pixels, broken
 */
export async function decode(bytes, background, maxPixels) {
  const kind = formatOf(bytes);
  const [wide, high] = sizeOf(bytes, kind);
  checkSize(wide, high, maxPixels);
  if (kind === "JPEG" && wide * high > bytes.length * MOST_JPEG_PIXELS_A_BYTE) throw broken(kind);
  if (kind === "AVIF" && isTransparent(bytes)) {
    throw unsupported("an AVIF with transparency, which browsers show in other colours than its own");
  }
  const { bytes: plain, orientation } = kind === "WEBP" ? withoutExif(bytes) : { bytes, orientation: 1 };
  const bitmap = await opened(new Blob([plain], { type: MEDIA_TYPES[kind] }), kind);
  try {
    const { width, height } = bitmap;
    checkSize(width, height, maxPixels);
    return { ...turned({ pixels: laid(bitmap, background), height, width }, orientation), kind };
  } finally {
    bitmap.close();
  }
}

function checkSize(width, height, maxPixels) {
  if (width * height <= maxPixels && Math.max(width, height) <= MAX_SIDE) return;
  const [wide, high, most, side] = [width, height, maxPixels, MAX_SIDE].map((value) => value.toLocaleString("en"));
  const limit = width * height > maxPixels ? `the limit is ${most}` : `the limit of a side is ${side}`;
  throw new InputError(`The picture has ${wide} × ${high} pixels, ${limit}. Take a smaller copy.`);
}

async function opened(blob, kind) {
  const options = { imageOrientation: "from-image", colorSpaceConversion: "none", premultiplyAlpha: "none" };
  try {
    return await createImageBitmap(blob, options);
  } catch {
    throw broken(kind);
  }
}

/** A bitmap on the colour, strip by strip: 1 to 1, so that no pixel is made of several. */
function laid(bitmap, background) {
  const { width, height } = bitmap;
  const step = Math.max(1, Math.min(height, Math.floor(PIXELS_AT_A_TIME / width)));
  const canvas = Object.assign(document.createElement("canvas"), { width, height: step });
  const context = canvas.getContext("2d", { willReadFrequently: true, alpha: false, colorSpace: "srgb" });
  if (!context) throw new InputError("This browser has no memory for a picture of this size. Take a smaller copy.");
  checkCanvas(context);
  context.imageSmoothingEnabled = false;
  context.fillStyle = background;
  const pixels = new Uint8Array(3 * width * height);
  for (let top = 0; top < height; top += step) {
    const rows = Math.min(step, height - top);
    context.fillRect(0, 0, width, rows);
    context.drawImage(bitmap, 0, top, width, rows, 0, 0, width, rows);
    const { data } = context.getImageData(0, 0, width, rows);
    for (let from = 0, to = 3 * width * top; from < data.length; from += 4, to += 3) {
      pixels[to] = data[from];
      pixels[to + 1] = data[from + 1];
      pixels[to + 2] = data[from + 2];
    }
  }
  canvas.width = canvas.height = 0; // some browsers keep its memory long
  return pixels;
}

/** Some browsers change what a page reads of a canvas, against fingerprinting. Then no answer could be trusted. */
function checkCanvas(context) {
  const side = [context.canvas.width, context.canvas.height].map((length) => Math.min(16, length));
  const drawn = context.createImageData(...side);
  drawn.data.forEach((_, i) => (drawn.data[i] = i % 4 === 3 ? 255 : (i * 37) % 256));
  context.putImageData(drawn, 0, 0);
  const read = context.getImageData(0, 0, ...side).data;
  if (drawn.data.some((value, i) => value !== read[i])) {
    throw new InputError("This browser changes a picture’s pixels (protection against fingerprinting). Allow this page to read its canvas, or use another browser.");
  }
}
