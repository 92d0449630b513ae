/**
 * The crop around the people that an alpha shows (preprocessing.md, section 7).
 *
 * @typedef {import('./fit.js').Rectangle} Rectangle
 * @typedef {import('./wasm.js').Bytes} Bytes
 */

const PERSON = 128; // an alpha from here on is a pixel of a person
const KEPT = 8; // components with 1/8 of the pixels of the largest are people, too
const LEAST = 1024; // a person has at least 1/1024 of the alpha's pixels
export const MARGIN = 10; // the margin is 1/10 of the longer side of the people's rectangle
const ASPECT = 2; // a side is at most so many times the other

/**
 * Returns the crop of an image that holds its people, with a margin.
 *
 * @param {Bytes} alpha size · size bytes, 0-255: what the network computed of the rectangle `seen` of the image.
 * @param {number} size side of the alpha in pixels
 * @param {Rectangle} seen
 * @param {Rectangle} whole the rectangle of the whole image
 * @returns {Rectangle | undefined} undefined where alpha shows nobody, or people fill the image.
 */
export function findCrop(alpha, size, seen, whole) {
  const box = findPeople(alpha, size);
  if (!box) return undefined;
  const crop = widen(box, size, seen, whole);
  return fills(crop, whole) ? undefined : crop;
}

/**
 * Returns the rectangle that people cover in an alpha.
 *
 * @param {Bytes} alpha size · size bytes, 0-255
 * @param {number} size side of the alpha in pixels
 * @returns {Rectangle | undefined} undefined where there is nobody.
 */
export function findPeople(alpha, size) {
  const waiting = Uint8Array.from(alpha, (value) => (value >= PERSON ? 1 : 0));
  const front = new Int32Array(size * size);
  const components = [];
  let largest = 0;
  for (let pixel = waiting.indexOf(1); pixel >= 0; pixel = waiting.indexOf(1, pixel + 1)) {
    const component = visit(pixel, size, waiting, front);
    components.push(component);
    largest = Math.max(largest, component.pixels);
  }
  if (largest === 0 || largest < Math.floor((size * size) / LEAST)) return undefined;
  const kept = components.filter(({pixels}) => pixels * KEPT >= largest);
  const top = Math.min(...kept.map((component) => component.top));
  const left = Math.min(...kept.map((component) => component.left));
  const bottom = Math.max(...kept.map((component) => component.bottom));
  const right = Math.max(...kept.map((component) => component.right));
  return {top, left, height: bottom - top, width: right - left};
}

/**
 * Returns the number of pixels of the component of a pixel, and its first row and column and those after its last.
 *
 * @param {number} pixel index of the pixel
 * @param {number} size side of the alpha in pixels
 * @param {Uint8Array} waiting 1 for each pixel of a person that no component has yet; those of this one become 0.
 * @param {Int32Array} front buffer of the pixels whose neighbours are still to be visited
 */
function visit(pixel, size, waiting, front) {
  let [pixels, top, left, bottom, right, fronts] = [0, size, size, 0, 0, 0];
  const add = (/** @type {number} */ beside) => {
    if (waiting[beside] === 0) return;
    waiting[beside] = 0;
    front[fronts++] = beside;
  };
  add(pixel);
  while (fronts > 0) {
    const here = front[--fronts];
    const y = Math.floor(here / size);
    const x = here - y * size;
    pixels++;
    top = Math.min(top, y);
    left = Math.min(left, x);
    bottom = Math.max(bottom, y + 1);
    right = Math.max(right, x + 1);
    if (y > 0) add(here - size);
    if (y + 1 < size) add(here + size);
    if (x > 0) add(here - 1);
    if (x + 1 < size) add(here + 1);
  }
  return {pixels, top, left, bottom, right};
}

/**
 * Returns the crop around people: their rectangle in the image, with a margin, and not too narrow.
 *
 * @param {Rectangle} box the rectangle of people in the alpha
 * @param {number} size side of the alpha in pixels
 * @param {Rectangle} seen the rectangle of the image that the alpha belongs to
 * @param {Rectangle} whole the rectangle of the whole image
 * @param {number} [part] the margin is so small a part of the longer side: 10 for a tenth.
 * @returns {Rectangle}
 */
export function widen(box, size, seen, whole, part = MARGIN) {
  let top = seen.top + Math.floor((box.top * seen.height) / size);
  let bottom = seen.top + Math.ceil(((box.top + box.height) * seen.height) / size);
  let left = seen.left + Math.floor((box.left * seen.width) / size);
  let right = seen.left + Math.ceil(((box.left + box.width) * seen.width) / size);
  const margin = Math.floor(Math.max(bottom - top, right - left) / part);
  top -= margin;
  bottom += margin;
  left -= margin;
  right += margin;
  const [rows, columns] = [bottom - top, right - left];
  const across = rows > ASPECT * columns ? (rows - ASPECT * columns + 3) >> 2 : 0;
  const down = columns > ASPECT * rows ? (columns - ASPECT * rows + 3) >> 2 : 0;
  top = Math.max(0, top - down);
  left = Math.max(0, left - across);
  bottom = Math.min(whole.height, bottom + down);
  right = Math.min(whole.width, right + across);
  return {top, left, height: bottom - top, width: right - left};
}

/**
 * Returns whether a crop has four fifths of the pixels of its image or more, so that it is not worth a pass.
 *
 * @param {Rectangle} crop
 * @param {Rectangle} whole
 */
export function fills(crop, whole) {
  return 5 * crop.height * crop.width >= 4 * whole.height * whole.width;
}
