/**
 * Picture → model input, and the model's alpha → alpha of the picture (PREPROCESSING.md, sections 3 to 5), for pictures
 * of one size. A picture is RGBA, as a canvas gives it; its fourth byte is not looked at.
 *
 * @typedef {import('./fit.js').Fit} Fit
 * @typedef {import('./resample.js').Bytes} Bytes
 */

import {place} from './fit.js';
import {Resampler} from './resample.js';

/** Picture → model input. */
export class InputMaker {
  /**
   * @param {number} height of the picture
   * @param {number} width
   * @param {number} size the side of the model's input
   * @param {Fit} [fit]
   */
  constructor(height, width, size, fit = 'stretch') {
    const {seen, filled} = place(fit, height, width, size);
    this.size = size;
    this.stride = 4 * width;
    this.offset = 4 * (seen.top * width + seen.left);
    this.filledOffset = 3 * (filled.top * size + filled.left);
    this.partial = filled.height < size || filled.width < size;
    this.resampler = new Resampler(seen.height, seen.width, filled.height, filled.width, 3, 4, 3);
  }

  /**
   * @param {Bytes} picture 4 · height · width bytes.
   * @param {Bytes} input 3 · size · size bytes, R, G, B, all of which are written.
   */
  run(picture, input) {
    if (this.partial) input.fill(0);
    this.resampler.run(picture, this.offset, this.stride, input, this.filledOffset, 3 * this.size);
  }
}

/** The model's alpha → alpha of the picture. */
export class AlphaPlacer {
  /**
   * @param {number} height of the picture
   * @param {number} width
   * @param {number} size the side of the model's alpha
   * @param {Fit} [fit]
   */
  constructor(height, width, size, fit = 'stretch') {
    const {seen, filled} = place(fit, height, width, size);
    this.size = size;
    this.width = width;
    this.offset = seen.top * width + seen.left;
    this.filledOffset = filled.top * size + filled.left;
    this.partial = seen.height < height || seen.width < width;
    this.resampler = new Resampler(filled.height, filled.width, seen.height, seen.width, 1);
  }

  /**
   * @param {Bytes} alpha size · size bytes, 255 = the person.
   * @param {Bytes} placed height · width bytes, all of which are written; 0 where a crop left the picture out.
   */
  run(alpha, placed) {
    if (this.partial) placed.fill(0);
    this.resampler.run(alpha, this.filledOffset, this.size, placed, this.offset, this.width);
  }
}
