/**
 * Frame → upright picture and back (PREPROCESSING.md, section 2). It moves pixels and rounds nothing.
 *
 * A pixel is one element of the array: a Uint32Array holds RGBA, a Uint8Array alpha.
 *
 * @template {Uint8Array | Uint32Array} Pixels
 * @typedef {{pixels: Pixels, height: number, width: number}} Turned
 */

/**
 * Turns a frame clockwise by 0, 90, 180 or 270 degrees, then swaps left and right if it is mirrored.
 *
 * @template {Uint8Array | Uint32Array} Pixels
 * @param {Pixels} frame
 * @param {number} height of the frame
 * @param {number} width
 * @param {number} rotation
 * @param {boolean} mirrored
 * @returns {Turned<Pixels>}
 */
export function apply(frame, height, width, rotation, mirrored) {
  const sideways = rotation % 180 !== 0;
  const [h, w] = sideways ? [width, height] : [height, width];
  const pixels = blank(frame);
  walk(height, width, rotation, mirrored, (at, from) => (pixels[at] = frame[from]));
  return {pixels, height: h, width: w};
}

/**
 * The inverse of `apply`: upright picture → frame of `height` × `width`.
 *
 * @template {Uint8Array | Uint32Array} Pixels
 * @param {Pixels} picture
 * @param {number} height of the frame
 * @param {number} width
 * @param {number} rotation
 * @param {boolean} mirrored
 * @returns {Pixels}
 */
export function undo(picture, height, width, rotation, mirrored) {
  const pixels = blank(picture);
  walk(height, width, rotation, mirrored, (at, from) => (pixels[from] = picture[at]));
  return pixels;
}

/**
 * Calls `move` with each pixel's place in the upright picture and in the frame of `height` × `width`.
 *
 * @param {number} height
 * @param {number} width
 * @param {number} rotation
 * @param {boolean} mirrored
 * @param {(at: number, from: number) => void} move
 */
function walk(height, width, rotation, mirrored, move) {
  const [h, w] = rotation % 180 !== 0 ? [width, height] : [height, width];
  // Of the frame: where the picture's first pixel is, and how far its neighbours to the right and below are.
  const [start, right, below] = {
    0: [0, 1, width],
    90: [(height - 1) * width, -width, 1],
    180: [height * width - 1, -1, -width],
    270: [width - 1, width, -1],
  }[rotation] ?? fail(rotation);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) move(y * w + (mirrored ? w - 1 - x : x), start + x * right + y * below);
  }
}

/**
 * @template {Uint8Array | Uint32Array} Pixels
 * @param {Pixels} like
 * @returns {Pixels}
 */
function blank(like) {
  return /** @type {Pixels} */ (like instanceof Uint32Array ? new Uint32Array(like.length) : new Uint8Array(like.length));
}

/**
 * @param {number} rotation
 * @returns {never}
 */
function fail(rotation) {
  throw new RangeError(`the rotation is ${rotation}; one of 0, 90, 180, 270 is taken`);
}
