/**
 * The matting of images with one model: what the page, its tests and the npm package share.
 *
 * @typedef {import('../core/fit.js').Rectangle} Rectangle
 * @typedef {import('../core/image-core.js').AlphaPart} AlphaPart
 * @typedef {import('./model.js').MattingModel} MattingModel
 * @typedef {{read: number, preprocess: number, network: number, composite: number}} Timings in milliseconds
 */

import {findCrops} from '../core/framing.js';
import {ImageCore} from '../core/image-core.js';
import {highestConfidence, isNobody} from '../core/presence.js';
import {TemporalSmoother} from '../core/smoothing.js';
import {CropTracker} from '../core/tracking.js';
import {Core} from '../core/wasm.js';
import {UserError} from './errors.js';

/** One model and the core that prepares its input and scales its alpha. */
export class Matter {
  /** Smooths the alphas of the current video, once there is one. @type {TemporalSmoother | undefined} */
  smoother;

  /**
   * @param {MattingModel} model
   * @param {WebAssembly.Module} core the compiled core, from `compileCore`
   */
  constructor(model, core) {
    this.model = model;
    this.core = core;
  }

  /** The side of the model's input and alpha, in pixels. */
  get size() {
    return this.model.size;
  }

  /**
   * Returns the buffers for images of one size.
   *
   * @param {ImageCore | undefined} last buffers that are used again if they have this size
   * @param {number} height
   * @param {number} width
   * @returns {ImageCore}
   * @throws {UserError} the browser has no memory left.
   */
  imageOf(last, height, width) {
    if (last?.height === height && last.width === width && last.size === this.size) return last;
    try {
      return new ImageCore(new Core(this.core), height, width, this.size);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      throw new UserError('Your browser has no memory left for this image. Close other tabs and try again.');
    }
  }

  /**
   * Begins another video, in place of the last one.
   *
   * @returns {CropTracker} of its frames
   */
  createTracker() {
    this.smoother ??= new TemporalSmoother(new Core(this.core), this.size);
    this.smoother.reset();
    return new CropTracker(this.size);
  }

  /**
   * Runs the model on an image. A photo in which people fill little is seen again, in a crop for each group of people.
   *
   * @param {ImageCore} image
   * @param {CropTracker} [tracker] of the video that the image is the next frame of; a photo has none.
   * @param {Timings} [timings] `preprocess`, `network` and, for smoothing, `composite` are added to.
   * @returns {Promise<AlphaPart[]>} what the image's alpha is made of, at least one part.
   */
  async see(image, tracker, timings) {
    const pass = async (/** @type {Rectangle} */ seen) => {
      const began = performance.now();
      const input = image.prepare(seen);
      const prepared = performance.now();
      const modelAlpha = await this.model.run(input);
      if (timings) {
        timings.preprocess += prepared - began;
        timings.network += performance.now() - prepared;
      }
      return {seen, input, modelAlpha};
    };
    if (!tracker) return this.seePhoto(image, pass);
    const part = await this.seeFrame(image, tracker, pass);
    const began = performance.now();
    const modelAlpha = this.smooth(part, tracker);
    if (timings) timings.composite += performance.now() - began;
    return [{...part, modelAlpha}];
  }

  /**
   * Runs the model on a photo, and on its crops if it has some.
   *
   * @param {ImageCore} photo
   * @param {(seen: Rectangle) => Promise<AlphaPart>} pass runs the model on a part of the photo.
   * @returns {Promise<AlphaPart[]>} what its alpha is made of: the whole photo, or the crops.
   */
  async seePhoto({height, width}, pass) {
    const whole = {top: 0, left: 0, height, width};
    const first = await pass(whole);
    const crops = findCrops(first.modelAlpha, this.size, whole);
    if (crops.length === 0) return [first];
    const parts = [];
    for (const crop of crops) parts.push(await pass(crop));
    return parts;
  }

  /**
   * Runs the model on the crop of a frame that follows the people.
   *
   * @param {ImageCore} frame
   * @param {CropTracker} tracker of the video
   * @param {(seen: Rectangle) => Promise<AlphaPart>} pass runs the model on a part of the frame.
   * @returns {Promise<AlphaPart>} what its alpha is made of.
   */
  async seeFrame({height, width}, tracker, pass) {
    const first = await pass(tracker.start(height, width));
    const crop = tracker.refine(first.modelAlpha);
    const last = crop ? await pass(crop) : first;
    tracker.finish(last.modelAlpha);
    return last;
  }

  /**
   * Smooths the alpha of a frame over time. Where the crop lies elsewhere than before, another scene begins.
   *
   * @param {AlphaPart} part
   * @param {CropTracker} tracker of the video
   */
  smooth({modelAlpha, input}, tracker) {
    if (!this.smoother) return modelAlpha;
    if (tracker.isFirst || tracker.jumped) this.smoother.reset();
    return this.smoother.smooth(modelAlpha, input);
  }

  /**
   * Whether the model is not sure of anybody.
   *
   * @param {AlphaPart[]} parts
   * @returns {boolean}
   */
  foundNobody(parts) {
    return isNobody(
      highestConfidence(
        parts.map(({modelAlpha}) => modelAlpha),
        this.size,
      ),
    );
  }
}

/**
 * Computes the alpha of an image, at its own size or at the size of its preview.
 *
 * @param {ImageCore} target the image that gets the alpha
 * @param {{height: number, width: number}} image the image that the model saw
 * @param {AlphaPart[]} parts what the model computed of the image
 */
export function computeAlpha(target, image, parts) {
  const shrink = (/** @type {AlphaPart} */ part) => ({...part, seen: shrinkRectangle(part.seen, image, target)});
  target.computeAlpha(target === image ? parts : parts.map(shrink));
}

/**
 * Returns the pixels of a smaller image that a rectangle of an image covers, in part at its edges.
 *
 * @param {Rectangle} rectangle
 * @param {{height: number, width: number}} image
 * @param {{height: number, width: number}} small
 * @returns {Rectangle}
 */
function shrinkRectangle({top, left, height, width}, image, small) {
  const first = [Math.floor((top * small.height) / image.height), Math.floor((left * small.width) / image.width)];
  const bottom = Math.ceil(((top + height) * small.height) / image.height);
  const right = Math.ceil(((left + width) * small.width) / image.width);
  return {top: first[0], left: first[1], height: bottom - first[0], width: right - first[1]};
}
