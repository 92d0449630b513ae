/**
 * How a picture of any shape meets the square that the network takes (PREPROCESSING.md, section 3).
 *
 * @typedef {'stretch' | 'crop' | 'letterbox'} Fit
 * @typedef {{top: number, left: number, height: number, width: number}} Rectangle whole pixels
 * @typedef {{seen: Rectangle, filled: Rectangle}} Placement what part of the picture lies on what part of the square
 */

/** @type {readonly Fit[]} */
export const FITS = Object.freeze(['stretch', 'crop', 'letterbox']);

/**
 * Where a picture of `height` × `width` lies in a square of `size`, all >= 1.
 *
 * @param {Fit} fit
 * @param {number} height
 * @param {number} width
 * @param {number} size
 * @returns {Placement}
 */
export function place(fit, height, width, size) {
  const whole = {top: 0, left: 0, height, width};
  const square = {top: 0, left: 0, height: size, width: size};
  if (fit === 'stretch') return {seen: whole, filled: square};
  if (fit === 'crop') {
    const side = Math.min(height, width);
    return {seen: {top: (height - side) >> 1, left: (width - side) >> 1, height: side, width: side}, filled: square};
  }
  const [a, b] = inscribe(height, width, size);
  return {seen: whole, filled: {top: (size - a) >> 1, left: (size - b) >> 1, height: a, width: b}};
}

/**
 * The height and width of a picture whose longer side is made `size`: the shorter rounds half up, to at least 1.
 *
 * @param {number} height
 * @param {number} width
 * @param {number} size
 * @returns {[number, number]}
 */
export function inscribe(height, width, size) {
  if (width >= height) return [Math.max(1, Math.floor((2 * size * height + width) / (2 * width))), size];
  return [size, Math.max(1, Math.floor((2 * size * width + height) / (2 * height)))];
}
