/**
 * Conversion of a camera frame to an upright image and back (preprocessing.md, section 2). It moves pixels and changes
 * none.
 *
 * One pixel is one element of the array: a Uint32Array holds RGBA pixels, a Uint8Array holds an alpha.
 *
 * @template {Uint8Array | Uint32Array} Pixels
 * @typedef {{pixels: Pixels, height: number, width: number}} Oriented
 */

/**
 * Returns the upright image of a frame: the frame rotated clockwise and then, if it is mirrored, flipped left to right.
 *
 * @template {Uint8Array | Uint32Array} Pixels
 * @param {Pixels} frame height · width pixels.
 * @param {number} height of the frame in pixels
 * @param {number} width of the frame in pixels
 * @param {number} rotation 0, 90, 180 or 270 degrees clockwise.
 * @param {boolean} mirrored whether the image is flipped left to right, as for a front camera.
 * @returns {Oriented<Pixels>}
 * @throws {RangeError} the rotation is another number.
 */
export function applyOrientation(frame, height, width, rotation, mirrored) {
  const sideways = rotation % 180 !== 0;
  const [h, w] = sideways ? [width, height] : [height, width];
  const pixels = emptyLike(frame);
  forEachPixel(height, width, rotation, mirrored, (inImage, inFrame) => (pixels[inImage] = frame[inFrame]));
  return {pixels, height: h, width: w};
}

/**
 * Returns the frame of an upright image: the inverse of `applyOrientation`.
 *
 * @template {Uint8Array | Uint32Array} Pixels
 * @param {Pixels} image height · width pixels.
 * @param {number} height of the frame in pixels
 * @param {number} width of the frame in pixels
 * @param {number} rotation 0, 90, 180 or 270 degrees, as given to `applyOrientation`.
 * @param {boolean} mirrored as given to `applyOrientation`.
 * @returns {Pixels} the frame, height · width pixels.
 * @throws {RangeError} the rotation is another number.
 */
export function undoOrientation(image, height, width, rotation, mirrored) {
  const pixels = emptyLike(image);
  forEachPixel(height, width, rotation, mirrored, (inImage, inFrame) => (pixels[inFrame] = image[inImage]));
  return pixels;
}

/**
 * Calls `move` once per pixel, with the pixel's index in the upright image and its index in the frame.
 *
 * @param {number} height of the frame
 * @param {number} width of the frame
 * @param {number} rotation
 * @param {boolean} mirrored
 * @param {(inImage: number, inFrame: number) => void} move
 */
function forEachPixel(height, width, rotation, mirrored, move) {
  const [h, w] = rotation % 180 !== 0 ? [width, height] : [height, width];
  // Indices into the frame: the first pixel of the image, and the distances to its right and to its lower neighbour.
  const [start, right, below] = {
    0: [0, 1, width],
    90: [(height - 1) * width, -width, 1],
    180: [height * width - 1, -1, -width],
    270: [width - 1, width, -1],
  }[rotation] ?? refuse(rotation);
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) move(y * w + (mirrored ? w - 1 - x : x), start + x * right + y * below);
  }
}

/**
 * @template {Uint8Array | Uint32Array} Pixels
 * @param {Pixels} pixels
 * @returns {Pixels} a new array of the same type and length
 */
function emptyLike(pixels) {
  const {length} = pixels;
  return /** @type {Pixels} */ (pixels instanceof Uint32Array ? new Uint32Array(length) : new Uint8Array(length));
}

/**
 * @param {number} rotation
 * @returns {never}
 */
function refuse(rotation) {
  throw new RangeError(`unknown rotation ${rotation}; choose one of 0, 90, 180, 270`);
}
