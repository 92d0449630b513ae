/**
 * The crops around the people that an alpha shows (preprocessing.md, section 7).
 *
 * @typedef {import('./fit.js').Rectangle} Rectangle
 * @typedef {import('./wasm.js').Bytes} Bytes
 */

const PERSON = 128; // an alpha from here on is a pixel of a person
const KEPT = 8; // components with 1/8 of the pixels of the largest are people, too
const LEAST = 1024; // a person has at least 1/1024 of the alpha's pixels
export const MARGIN = 10; // the margin is 1/10 of the longer side of the people's rectangle
const ASPECT = 2; // a side is at most so many times the other
const MOST_CROPS = 4; // people in more places are seen in one crop: each crop is one more run of the network

/**
 * Returns the crops of a photo that hold its people, with a margin: one for each group that stands apart.
 *
 * @param {Bytes} alpha size · size bytes, 0-255: what the network computed of the whole photo.
 * @param {number} size side of the alpha in pixels
 * @param {Rectangle} whole the rectangle of the whole photo
 * @returns {Rectangle[]} at most MOST_CROPS, of which no two share a pixel, ordered by top, then by left; empty where alpha
 *   shows nobody, or people fill the photo.
 */
export function findCrops(alpha, size, whole) {
  const crops = mergeOverlapping(findPeople(alpha, size).map((box) => widen(box, size, whole, whole)));
  const few = crops.length > MOST_CROPS ? [boundingRectangle(crops)] : crops;
  return fills(few, whole) ? [] : few;
}

/**
 * Returns rectangles of which no two share a pixel: two that do are replaced by their bounding rectangle. The result does
 * not depend on the order in which they are replaced. It is ordered by top, then by left.
 *
 * @param {Rectangle[]} rectangles
 * @returns {Rectangle[]}
 */
function mergeOverlapping(rectangles) {
  /** @type {Rectangle[]} */
  let apart = [];
  for (let merged of rectangles) {
    for (;;) {
      const overlapping = apart.filter((one) => overlaps(one, merged));
      if (overlapping.length === 0) break;
      apart = apart.filter((one) => !overlapping.includes(one));
      merged = boundingRectangle([merged, ...overlapping]);
    }
    apart.push(merged);
  }
  return apart.sort((one, other) => one.top - other.top || one.left - other.left);
}

/**
 * Returns whether two rectangles share a pixel.
 *
 * @param {Rectangle} one
 * @param {Rectangle} other
 */
function overlaps(one, other) {
  return (
    one.top < other.top + other.height &&
    other.top < one.top + one.height &&
    one.left < other.left + other.width &&
    other.left < one.left + one.width
  );
}

/**
 * Returns the smallest rectangle that holds all the given ones.
 *
 * @param {Rectangle[]} rectangles at least one
 * @returns {Rectangle}
 */
export function boundingRectangle(rectangles) {
  let [top, left, bottom, right] = [Infinity, Infinity, 0, 0];
  for (const one of rectangles) {
    top = Math.min(top, one.top);
    left = Math.min(left, one.left);
    bottom = Math.max(bottom, one.top + one.height);
    right = Math.max(right, one.left + one.width);
  }
  return {top, left, height: bottom - top, width: right - left};
}

/**
 * Returns the one crop of an image that holds all its people, with a margin.
 *
 * @param {Bytes} alpha size · size bytes, 0-255: what the network computed of the rectangle `seen` of the image.
 * @param {number} size side of the alpha in pixels
 * @param {Rectangle} seen
 * @param {Rectangle} whole the rectangle of the whole image
 * @returns {Rectangle | undefined} undefined where alpha shows nobody, or people fill the image.
 */
export function findCrop(alpha, size, seen, whole) {
  const boxes = findPeople(alpha, size);
  if (boxes.length === 0) return undefined;
  const crop = widen(boundingRectangle(boxes), size, seen, whole);
  return fills([crop], whole) ? undefined : crop;
}

/**
 * Returns the rectangles that people cover in an alpha.
 *
 * @param {Bytes} alpha size · size bytes, 0-255
 * @param {number} size side of the alpha in pixels
 * @returns {Rectangle[]} empty where there is nobody.
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
  if (largest < Math.floor((size * size) / LEAST)) return [];
  return components.filter(({pixels}) => pixels * KEPT >= largest).map(({box}) => box);
}

/**
 * Returns the number of pixels of the component of a pixel, and the rectangle that it covers.
 *
 * @param {number} pixel index of the pixel
 * @param {number} size side of the alpha in pixels
 * @param {Uint8Array} waiting 1 for each pixel of a person that no component has yet; those of this one become 0.
 * @param {Int32Array} front buffer of the pixels whose neighbours are still to be visited
 * @returns {{pixels: number, box: Rectangle}}
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
  return {pixels, box: {top, left, height: bottom - top, width: right - left}};
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
 * Returns whether crops have four fifths of the pixels of their image or more, so that they are not worth a pass.
 *
 * @param {Rectangle[]} crops
 * @param {Rectangle} whole
 */
export function fills(crops, whole) {
  const pixels = crops.reduce((sum, {height, width}) => sum + height * width, 0);
  return 5 * pixels >= 4 * whole.height * whole.width;
}
