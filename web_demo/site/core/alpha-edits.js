/**
 * What a user changes of an alpha: how soft its edges are, and strokes that restore or erase parts of it.
 *
 * @typedef {{mode: 'restore' | 'erase', radius: number, points: [number, number][]}} Stroke of a round brush: its radius
 *   and its points (x, y) in units of the image's longer side, so that a stroke fits the image and its preview
 * @typedef {{softness: number, strokes: Stroke[]}} Edits `softness` is -1 (hard edges) to 1 (wide, soft edges); 0 leaves
 *   the edges as they are.
 * @typedef {{height: number, width: number}} Size in pixels
 */

const WIDEST = 1 / 64; // radius of the blur at full softness, in units of the longer side
const PASSES = 3; // box filters, which together come close to a Gaussian
const STEEPEST = 8; // factor by which the hardest edges are steeper

/** @type {Edits} No change at all. */
export const NO_EDITS = Object.freeze({softness: 0, strokes: []});

/**
 * Whether edits change anything.
 *
 * @param {Edits} edits
 * @returns {boolean}
 */
export function isEdited({softness, strokes}) {
  return softness !== 0 || strokes.length > 0;
}

/**
 * Applies edits to an alpha, in place: the softness first, then the strokes in their order.
 *
 * @param {Uint8Array} alpha height · width bytes
 * @param {Size} size
 * @param {Edits} edits
 */
export function applyEdits(alpha, size, {softness, strokes}) {
  if (softness > 0) soften(alpha, size, Math.round(softness * WIDEST * Math.max(size.height, size.width)));
  if (softness < 0) harden(alpha, 1 - softness * (STEEPEST - 1));
  for (const stroke of strokes) paint(alpha, size, stroke);
}

/**
 * Makes the edges of an alpha steeper: levels move away from the middle by a factor.
 *
 * @param {Uint8Array} alpha
 * @param {number} factor >= 1
 */
function harden(alpha, factor) {
  const levels = Uint8ClampedArray.from({length: 256}, (_, level) => (level - 127.5) * factor + 127.5);
  for (let i = 0; i < alpha.length; i++) alpha[i] = levels[alpha[i]];
}

/**
 * Blurs an alpha with box filters. Beyond its border an alpha goes on with the level of the border.
 *
 * @param {Uint8Array} alpha
 * @param {Size} size
 * @param {number} radius in pixels
 */
function soften(alpha, {height, width}, radius) {
  if (radius < 1) return;
  const line = new Uint8Array(Math.max(height, width));
  for (let pass = 0; pass < PASSES; pass++) {
    for (let y = 0; y < height; y++) filterLine(alpha, y * width, 1, width, radius, line);
    for (let x = 0; x < width; x++) filterLine(alpha, x, width, height, radius, line);
  }
}

/**
 * Replaces each level of one line by the mean of its neighbours.
 *
 * @param {Uint8Array} alpha
 * @param {number} start index of the first level
 * @param {number} step from one level to the next
 * @param {number} length number of levels
 * @param {number} radius number of neighbours on either side
 * @param {Uint8Array} line at least `length` bytes, which are overwritten
 */
function filterLine(alpha, start, step, length, radius, line) {
  for (let i = 0; i < length; i++) line[i] = alpha[start + step * i];
  const [first, last, count] = [line[0], line[length - 1], 2 * radius + 1];
  let sum = first * (radius + 1);
  for (let i = 1; i <= radius; i++) sum += i < length ? line[i] : last;
  for (let i = 0; i < length; i++) {
    alpha[start + step * i] = (sum + radius) / count;
    sum += (i + radius + 1 < length ? line[i + radius + 1] : last) - (i >= radius ? line[i - radius] : first);
  }
}

/**
 * Paints one stroke. Its edge is as wide as a fifth of its radius, and at least one pixel.
 *
 * @param {Uint8Array} alpha
 * @param {Size} size
 * @param {Stroke} stroke
 */
export function paint(alpha, size, {mode, radius, points}) {
  const unit = Math.max(size.height, size.width);
  const scaled = points.map(([x, y]) => [x * unit, y * unit]);
  const reach = Math.max(0.5, radius * unit);
  const brush = {reach, edge: Math.max(1, reach / 5), erase: mode === 'erase'};
  for (let i = 0; i < scaled.length; i++) paintSegment(alpha, size, brush, scaled[Math.max(0, i - 1)], scaled[i]);
}

/**
 * Paints a straight part of a stroke. No pixel gets less of it by another part of the same stroke.
 *
 * @param {Uint8Array} alpha
 * @param {Size} size
 * @param {{reach: number, edge: number, erase: boolean}} brush sizes in pixels
 * @param {number[]} from x and y in pixels
 * @param {number[]} to
 */
function paintSegment(alpha, {height, width}, {reach, edge, erase}, from, to) {
  const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
  const squared = dx * dx + dy * dy || 1;
  const top = Math.max(0, Math.floor(Math.min(from[1], to[1]) - reach));
  const bottom = Math.min(height, Math.ceil(Math.max(from[1], to[1]) + reach));
  const left = Math.max(0, Math.floor(Math.min(from[0], to[0]) - reach));
  const right = Math.min(width, Math.ceil(Math.max(from[0], to[0]) + reach));
  for (let y = top; y < bottom; y++) {
    for (let x = left; x < right; x++) {
      const [px, py] = [x + 0.5 - from[0], y + 0.5 - from[1]];
      const along = Math.min(1, Math.max(0, (px * dx + py * dy) / squared));
      const distance = Math.hypot(px - along * dx, py - along * dy);
      const level = Math.round(255 * Math.min(1, Math.max(0, (reach - distance) / edge)));
      const index = y * width + x;
      alpha[index] = erase ? Math.min(alpha[index], 255 - level) : Math.max(alpha[index], level);
    }
  }
}
