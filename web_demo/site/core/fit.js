/**
 * Fitting of an image of any shape to the square input of the network (preprocessing.md, section 3).
 *
 * @typedef {'stretch' | 'crop' | 'letterbox' | 'auto'} Fit
 * @typedef {{top: number, left: number, height: number, width: number}} Rectangle in whole pixels
 * @typedef {{seen: Rectangle, filled: Rectangle}} Placement the rectangle of the image that the network sees, and the
 *   rectangle of the square that it fills
 */

/** @type {readonly Fit[]} All fits, in the order of the Python runtime. */
export const FITS = Object.freeze(['stretch', 'crop', 'letterbox', 'auto']);

/**
 * Returns the placement of an image in the square; for `auto`, that of the first pass.
 *
 * @param {Fit} fit
 * @param {number} height of the image in pixels, >= 1
 * @param {number} width of the image in pixels, >= 1
 * @param {number} size side of the square in pixels, >= 1
 * @returns {Placement}
 */
export function place(fit, height, width, size) {
  const whole = {top: 0, left: 0, height, width};
  if (fit === 'stretch' || fit === 'auto') return placeCrop(whole, size);
  if (fit === 'crop') {
    const side = Math.min(height, width);
    return placeCrop({top: (height - side) >> 1, left: (width - side) >> 1, height: side, width: side}, size);
  }
  const [a, b] = inscribe(height, width, size);
  return {seen: whole, filled: {top: (size - a) >> 1, left: (size - b) >> 1, height: a, width: b}};
}

/**
 * Returns the placement of a crop of an image that is stretched to fill the square.
 *
 * @param {Rectangle} crop
 * @param {number} size side of the square in pixels, >= 1
 * @returns {Placement}
 */
export function placeCrop(crop, size) {
  return {seen: crop, filled: {top: 0, left: 0, height: size, width: size}};
}

/**
 * Returns the height and width that an image has after scaling its longer side to `size`. The shorter side is rounded
 * half up, and is at least 1.
 *
 * @param {number} height of the image in pixels, >= 1
 * @param {number} width of the image in pixels, >= 1
 * @param {number} size of the longer side after scaling, in pixels, >= 1
 * @returns {[number, number]} height and width
 */
export function inscribe(height, width, size) {
  if (width >= height) return [Math.max(1, Math.floor((2 * size * height + width) / (2 * width))), size];
  return [size, Math.max(1, Math.floor((2 * size * width + height) / (2 * height)))];
}
