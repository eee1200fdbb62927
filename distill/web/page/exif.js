// How a picture is to be turned, where browsers do not heed it: they turn JPEG, PNG and AVIF, and leave WebP as it lies.
const ORIENTATION = 0x0112; // EXIF 2.32, 4.6.4
const [SHORT, LONG] = [3, 4];
const HEADER = "Exif\0\0"; // which some programs write before the TIFF in it

/**
 * The orientation that a WebP's EXIF declares, and the file without its EXIF, lest a browser turns it as well.
 * @returns {{ bytes: Uint8Array, orientation: number }} 1 to 8
 */
export function withoutExif(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 12; at + 8 <= bytes.length; ) {
    const size = view.getUint32(at + 4, true);
    if (String.fromCharCode(...bytes.subarray(at, at + 4)) === "EXIF") {
      const hidden = bytes.slice();
      hidden.set([0x58, 0x58, 0x58, 0x58], at); // a chunk that nobody knows is skipped: RFC 9649, 2.7.1.6
      return { bytes: hidden, orientation: orientationOf(bytes.slice(at + 8, at + 8 + size)) };
    }
    at += 8 + size + (size % 2);
  }
  return { bytes, orientation: 1 };
}

function orientationOf(exif) {
  const start = String.fromCharCode(...exif.subarray(0, 6)) === HEADER ? 6 : 0;
  const view = new DataView(exif.buffer, start);
  try {
    const isLittle = view.getUint16(0) === 0x4949;
    const directory = view.getUint32(4, isLittle);
    for (let i = 0; i < view.getUint16(directory, isLittle); i += 1) {
      const at = directory + 2 + 12 * i;
      if (view.getUint16(at, isLittle) !== ORIENTATION) continue;
      const type = view.getUint16(at + 2, isLittle);
      const value = type === SHORT ? view.getUint16(at + 8, isLittle) : type === LONG ? view.getUint32(at + 8, isLittle) : 1;
      return value >= 1 && value <= 8 ? value : 1;
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error; // it ends before it says: then nothing is turned
  }
  return 1;
}

/** Pixels [height, width, 3] as the orientation has them: { pixels, height, width }. */
export function turned({ pixels, height, width }, orientation) {
  if (orientation === 1) return { pixels, height, width };
  const isSwapped = orientation >= 5;
  const [high, wide] = isSwapped ? [width, height] : [height, width];
  const fromRight = [2, 3, 7, 8].includes(orientation);
  const fromBelow = [3, 4, 6, 7].includes(orientation);
  const made = new Uint8Array(pixels.length);
  for (let y = 0, to = 0; y < high; y += 1) {
    for (let x = 0; x < wide; x += 1, to += 3) {
      const [row, column] = isSwapped ? [x, y] : [y, x];
      const from = 3 * ((fromBelow ? height - 1 - row : row) * width + (fromRight ? width - 1 - column : column));
      made[to] = pixels[from];
      made[to + 1] = pixels[from + 1];
      made[to + 2] = pixels[from + 2];
    }
  }
  return { pixels: made, height: high, width: wide };
}
