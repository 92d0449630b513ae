/**
 * Encoding of pixels as a PNG file (ISO/IEC 15948). The file holds exactly the bytes given. A canvas would not do
 * that: it premultiplies the colours by their alpha, and so loses the colours of transparent pixels.
 *
 * @typedef {import('./wasm.js').Bytes} Bytes
 */

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const COLOUR_TYPES = {1: 0, 4: 6}; // number of channels → greyscale, or RGBA
const FILTER_PAETH = 4;
const BAND_ROWS = 64; // rows that are filtered at a time

/** The CRC-32 of each byte. */
const CRC_TABLE = Uint32Array.from({length: 256}, (_, n) => {
  for (let bit = 0; bit < 8; bit++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n;
});

/**
 * Returns an image as a PNG file: 8 bits per channel, RGBA or grey.
 *
 * @param {Bytes} pixels channels · height · width bytes: RGBA with straight alpha, or grey.
 * @param {number} height in pixels, >= 1
 * @param {number} width in pixels, >= 1
 * @param {1 | 4} [channels] of the image
 * @returns {Promise<Blob>} of type image/png
 */
export async function encodePng(pixels, height, width, channels = 4) {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  header.set([8, COLOUR_TYPES[channels]], 8);
  const parts = [new Uint8Array(SIGNATURE), chunk('IHDR', header)];
  const deflate = /** @type {any} */ (new CompressionStream('deflate')); // with zlib's header, as PNG requires
  const reader = filteredRows(pixels, height, width, channels).pipeThrough(deflate).getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) parts.push(chunk('IDAT', part.value));
  return new Blob([...parts, chunk('IEND', new Uint8Array(0))], {type: 'image/png'});
}

/**
 * Returns a stream of the filtered rows. Each chunk of the stream is a band of rows, so that a large photo is not held
 * in memory twice.
 *
 * @param {Bytes} pixels
 * @param {number} height
 * @param {number} width
 * @param {number} channels
 * @returns {ReadableStream<Uint8Array>}
 */
function filteredRows(pixels, height, width, channels) {
  const stride = channels * width;
  let top = 0;
  return new ReadableStream({
    pull(controller) {
      if (top >= height) return controller.close();
      const count = Math.min(BAND_ROWS, height - top);
      const band = new Uint8Array(count * (stride + 1));
      for (let row = 0; row < count; row++) filterRow(pixels, top + row, stride, channels, band, row * (stride + 1));
      top += count;
      controller.enqueue(band);
    },
  });
}

/**
 * Writes one row, filtered: the filter's number, then the difference of each byte from the neighbour that the Paeth
 * predictor chooses (ISO/IEC 15948, 9.4).
 *
 * @param {Bytes} pixels
 * @param {number} row
 * @param {number} stride bytes per row of the image
 * @param {number} channels bytes per pixel of the image
 * @param {Uint8Array} out output, from index `at` on: stride + 1 bytes.
 * @param {number} at
 */
function filterRow(pixels, row, stride, channels, out, at) {
  out[at++] = FILTER_PAETH;
  const start = row * stride;
  for (let i = 0; i < stride; i++) {
    const left = i >= channels ? pixels[start + i - channels] : 0;
    const above = row > 0 ? pixels[start + i - stride] : 0;
    const corner = i >= channels && row > 0 ? pixels[start + i - stride - channels] : 0;
    const distanceLeft = Math.abs(above - corner);
    const distanceAbove = Math.abs(left - corner);
    const distanceCorner = Math.abs(left + above - 2 * corner);
    let predicted = corner;
    if (distanceLeft <= distanceAbove && distanceLeft <= distanceCorner) predicted = left;
    else if (distanceAbove <= distanceCorner) predicted = above;
    out[at + i] = pixels[start + i] - predicted;
  }
}

/**
 * Returns one chunk of a PNG file: its length, its type, its data and their CRC-32.
 *
 * @param {string} type four ASCII letters
 * @param {Uint8Array} data
 */
function chunk(type, data) {
  const bytes = new Uint8Array(data.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  for (let i = 0; i < 4; i++) bytes[4 + i] = type.charCodeAt(i);
  bytes.set(data, 8);
  view.setUint32(data.length + 8, crc32(bytes.subarray(4, data.length + 8)));
  return bytes;
}

/**
 * Returns the CRC-32 of bytes, as PNG and ZIP files hold it.
 *
 * @param {Uint8Array} bytes
 * @returns {number} >= 0
 */
export function crc32(bytes) {
  let crc = 0xffffffff;
  for (let i = 0; i < bytes.length; i++) crc = CRC_TABLE[(crc ^ bytes[i]) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}
