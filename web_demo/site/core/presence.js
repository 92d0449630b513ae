/**
 * Whether an alpha shows anybody (preprocessing.md, section 9).
 *
 * @typedef {import('./wasm.js').Bytes} Bytes
 */

const SOMEBODY = 224; // there is somebody if the confidence is at least this
const WINDOWS = 16; // a window has 1/16 of the alpha's side

/**
 * Returns the mean alpha, rounded down, of the window in which it is highest.
 *
 * @param {Bytes} alpha size · size bytes, 0-255
 * @param {number} size side of the alpha in pixels
 * @returns {number} 0-255
 */
export function confidenceOf(alpha, size) {
  const side = Math.max(1, Math.floor(size / WINDOWS));
  const columns = new Int32Array(size); // of each column, the sum of the latest rows
  let highest = 0;
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      columns[column] += alpha[row * size + column];
      if (row >= side) columns[column] -= alpha[(row - side) * size + column];
    }
    if (row >= side - 1) highest = Math.max(highest, highestSum(columns, side));
  }
  return Math.floor(highest / (side * side));
}

/**
 * Returns the confidence that the alphas of the parts of one image show somebody: the highest of theirs.
 *
 * @param {Bytes[]} alphas at least one, size · size bytes each, 0-255
 * @param {number} size side of an alpha in pixels
 * @returns {number} 0-255
 */
export function highestConfidence(alphas, size) {
  return Math.max(...alphas.map((alpha) => confidenceOf(alpha, size)));
}

/**
 * Whether a confidence is too low for anybody.
 *
 * @param {number} confidence 0-255
 * @returns {boolean}
 */
export function isNobody(confidence) {
  return confidence < SOMEBODY;
}

/**
 * Returns the highest sum of `side` neighbours.
 *
 * @param {Int32Array} values
 * @param {number} side
 * @returns {number}
 */
function highestSum(values, side) {
  let sum = 0;
  let highest = 0;
  for (let i = 0; i < values.length; i++) {
    sum += values[i] - (i >= side ? values[i - side] : 0);
    if (i >= side - 1) highest = Math.max(highest, sum);
  }
  return highest;
}
