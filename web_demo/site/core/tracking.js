/**
 * The crop that follows people through a video (preprocessing.md, section 8).
 *
 * @typedef {import('./fit.js').Rectangle} Rectangle
 * @typedef {import('./wasm.js').Bytes} Bytes
 */

import {boundingRectangle, fills, findCrop, findPeople, widen} from './framing.js';

const LOOK = 30; // frames from one look at the whole frame to the next
const PAUSE = 8; // frames after a look in which only the loss of everybody causes another
const MARGIN = 5; // the margin is 1/5 of the longer side, so that people who move stay inside the crop
const FURTHER = 8; // where people touch a side of the crop, the goal is 1/8 of its longer side further out
// A side stays where it is if the goal is this part of its longer side further out, or further in.
const DEAD_OUTWARDS = 32;
const DEAD_INWARDS = 8;
const INWARDS = 8; // a side goes 1/8 of its way inwards in a frame; outwards it goes all of it

/**
 * The crop that the network sees of each frame of one video. For each frame, call `start`, `refine` and `finish` in this
 * order. The first frame is treated as a photo whose people get one crop.
 */
export class CropTracker {
  /** @param {number} size side of the model's alpha in pixels */
  constructor(size) {
    this.size = size;
    /** Whether the crop of the last frame lies elsewhere than that of the frame before it. */
    this.jumped = false;
    /** @type {Rectangle} */
    this.whole = {top: 0, left: 0, height: 0, width: 0}; // the first frame has another size
    this.crop = this.whole;
    this.goal = this.whole;
    this.isFirst = true;
    this.isLook = true;
    this.isLost = true;
    this.since = 0;
  }

  /**
   * Begins the next frame.
   *
   * @param {number} height of the frame in pixels
   * @param {number} width of the frame in pixels
   * @returns {Rectangle} what the network sees first of the frame.
   */
  start(height, width) {
    const whole = {top: 0, left: 0, height, width};
    this.isFirst = !isSame(whole, this.whole);
    this.isLook = this.isFirst || this.isLost || isSame(this.crop, whole) || this.since >= LOOK;
    this.whole = whole;
    this.jumped = false;
    if (this.isLook) return whole;
    this.crop = move(this.crop, this.goal);
    return this.crop;
  }

  /**
   * Takes the first alpha of the frame.
   *
   * @param {Bytes} alpha size · size bytes, 0-255
   * @returns {Rectangle | undefined} what the network sees next; undefined where this alpha stands.
   */
  refine(alpha) {
    if (!this.isLook) return undefined;
    this.since = 0;
    const goal = findCrop(alpha, this.size, this.whole, this.whole) ?? this.whole;
    if (this.isFirst || !isNear(this.crop, goal)) {
      this.jumped = !this.isFirst;
      this.crop = goal;
    } else {
      this.crop = move(this.crop, goal);
    }
    return isSame(this.crop, this.whole) ? undefined : this.crop;
  }

  /**
   * Ends the frame.
   *
   * @param {Bytes} alpha the one that stands: the second one where `refine` returned a rectangle.
   */
  finish(alpha) {
    const {crop, whole, size} = this;
    this.since++;
    const boxes = findPeople(alpha, size);
    if (boxes.length === 0) {
      this.isLost = true;
      return;
    }
    const box = boundingRectangle(boxes);
    const touched = {
      top: box.top === 0 && crop.top > 0,
      left: box.left === 0 && crop.left > 0,
      bottom: box.top + box.height === size && crop.top + crop.height < whole.height,
      right: box.left + box.width === size && crop.left + crop.width < whole.width,
    };
    const goal = extend(widen(box, size, crop, whole, MARGIN), touched, whole);
    this.goal = fills([goal], whole) ? whole : goal;
    const atBorder = Object.values(touched).includes(true);
    this.isLost = this.since > PAUSE && (atBorder || !isNear(crop, this.goal));
  }
}

/**
 * Returns a goal that lies further out on the sides that people touch.
 *
 * @param {Rectangle} goal
 * @param {{top: boolean, left: boolean, bottom: boolean, right: boolean}} touched
 * @param {Rectangle} whole
 * @returns {Rectangle}
 */
function extend(goal, touched, whole) {
  const further = Math.floor(Math.max(goal.height, goal.width) / FURTHER);
  const top = touched.top ? Math.max(0, goal.top - further) : goal.top;
  const left = touched.left ? Math.max(0, goal.left - further) : goal.left;
  const bottom = Math.min(whole.height, goal.top + goal.height + (touched.bottom ? further : 0));
  const right = Math.min(whole.width, goal.left + goal.width + (touched.right ? further : 0));
  return {top, left, height: bottom - top, width: right - left};
}

/**
 * Returns a crop whose sides have moved towards those of a goal: all of the way outwards, part of it inwards.
 *
 * @param {Rectangle} crop
 * @param {Rectangle} goal
 * @returns {Rectangle}
 */
function move(crop, goal) {
  const longer = Math.max(goal.height, goal.width);
  const top = crop.top - step(crop.top - goal.top, longer);
  const left = crop.left - step(crop.left - goal.left, longer);
  let bottom = crop.top + crop.height;
  bottom += step(goal.top + goal.height - bottom, longer);
  let right = crop.left + crop.width;
  right += step(goal.left + goal.width - right, longer);
  return {top, left, height: bottom - top, width: right - left};
}

/**
 * Returns how far a side moves outwards, in pixels; negative is inwards.
 *
 * @param {number} outwards how far outwards the goal is
 * @param {number} longer the longer side of the goal in pixels
 */
function step(outwards, longer) {
  if (outwards >= 0) return Math.max(0, outwards - Math.floor(longer / DEAD_OUTWARDS));
  return -Math.ceil(Math.max(0, -outwards - Math.floor(longer / DEAD_INWARDS)) / INWARDS);
}

/**
 * Returns whether two rectangles have at least a third of their union in common.
 *
 * @param {Rectangle} one
 * @param {Rectangle} other
 */
function isNear(one, other) {
  const rows = Math.min(one.top + one.height, other.top + other.height) - Math.max(one.top, other.top);
  const columns = Math.min(one.left + one.width, other.left + other.width) - Math.max(one.left, other.left);
  const common = Math.max(0, rows) * Math.max(0, columns);
  return 4 * common >= one.height * one.width + other.height * other.width;
}

/**
 * Returns whether two rectangles cover the same pixels.
 *
 * @param {Rectangle} one
 * @param {Rectangle} other
 */
export function isSame(one, other) {
  return (
    one.top === other.top && one.left === other.left && one.height === other.height && one.width === other.width
  );
}
