/**
 * RGBA bytes → PNG (ISO/IEC 15948), exactly: a canvas multiplies colours with their alpha and loses those behind it.
 *
 * @typedef {import('./resample.js').Bytes} Bytes
 */

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const RGBA = 6;
const PAETH = 4;
const STRIP_ROWS = 64;

const CRCS = Uint32Array.from({length: 256}, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

/**
 * @param {Bytes} pixels 4 · height · width bytes, straight alpha.
 * @param {number} height
 * @param {number} width
 * @returns {Promise<Blob>}
 */
export async function encodePng(pixels, height, width) {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, RGBA], 8);
  const parts = [new Uint8Array(SIGNATURE), chunk('IHDR', header)];
  const deflate = /** @type {any} */ (new CompressionStream('deflate')); // with zlib's header, as PNG has it
  const reader = rows(pixels, height, width).pipeThrough(deflate).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) parts.push(chunk('IDAT', part.value));
  return new Blob([...parts, chunk('IEND', new Uint8Array(0))], {type: 'image/png'});
}

/**
 * The rows as PNG filters them, a strip at a time, so that a large photo is not held twice.
 *
 * @param {Bytes} pixels
 * @param {number} height
 * @param {number} width
 * @returns {ReadableStream<Uint8Array>}
 */
function rows(pixels, height, width) {
  let top = 0;
  return new ReadableStream({
    pull(controller) {
      if (top >= height) return controller.close();
      const count = Math.min(STRIP_ROWS, height - top);
      const strip = new Uint8Array(count * (4 * width + 1));
      for (let row = 0; row < count; row++) filter(pixels, top + row, 4 * width, strip, row * (4 * width + 1));
      top += count;
      controller.enqueue(strip);
    },
  });
}

/**
 * One row as the difference from the neighbour that the Paeth predictor chooses.
 *
 * @param {Bytes} pixels
 * @param {number} row
 * @param {number} stride
 * @param {Uint8Array} out
 * @param {number} at
 */
function filter(pixels, row, stride, out, at) {
  out[at++] = PAETH;
  const start = row * stride;
  for (let i = 0; i < stride; i++) {
    const left = i >= 4 ? pixels[start + i - 4] : 0;
    const above = row > 0 ? pixels[start + i - stride] : 0;
    const corner = i >= 4 && row > 0 ? pixels[start + i - stride - 4] : 0;
    const toLeft = Math.abs(above - corner);
    const toAbove = Math.abs(left - corner);
    const toCorner = Math.abs(left + above - 2 * corner);
    const nearest = toLeft <= toAbove && toLeft <= toCorner ? left : toAbove <= toCorner ? above : corner;
    out[at + i] = pixels[start + i] - nearest;
  }
}

/**
 * @param {string} kind
 * @param {Uint8Array} data
 */
function chunk(kind, data) {
  const bytes = new Uint8Array(data.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) bytes[4 + i] = kind.charCodeAt(i);
  bytes.set(data, 8);
  let crc = 0xffffffff;
  for (let i = 4; i < data.length + 8; i++) crc = CRCS[(crc ^ bytes[i]) & 255] ^ (crc >>> 8);
  view.setUint32(data.length + 8, ~crc >>> 0);
  return bytes;
}
