/**
 * Conversion of an image to the model's input, and of the model's alpha to the image's alpha (preprocessing.md,
 * sections 3 to 5). An image is RGBA, as a canvas gives it; the fourth byte of each pixel is ignored.
 *
 * @typedef {import('./fit.js').Fit} Fit
 * @typedef {import('./fit.js').Placement} Placement
 * @typedef {import('./resample.js').Bytes} Bytes
 */

import {place} from './fit.js';
import {Resampler} from './resample.js';

/** The conversion of images of one size to model inputs. Its buffers are allocated once, by the constructor. */
export class InputScaler {
  /**
   * @param {number} height of the image in pixels, >= 1
   * @param {number} width of the image in pixels, >= 1
   * @param {number} size side of the model's input in pixels, >= 1
   * @param {Fit | Placement} [fit] how the image is fitted to the input, or which part of it is placed where
   */
  constructor(height, width, size, fit = 'stretch') {
    const {seen, filled} = typeof fit === 'string' ? place(fit, height, width, size) : fit;
    this.size = size;
    this.stride = 4 * width;
    this.offset = 4 * (seen.top * width + seen.left);
    this.filledOffset = 3 * (filled.top * size + filled.left);
    this.partial = filled.height < size || filled.width < size;
    this.resampler = new Resampler(seen.height, seen.width, filled.height, filled.width, 3, 4, 3);
  }

  /**
   * Writes the model's input for an image.
   *
   * @param {Bytes} image 4 · height · width bytes, RGBA.
   * @param {Bytes} input output, 3 · size · size bytes, RGB. All are written; 0 (black) beside the image.
   */
  run(image, input) {
    if (this.partial) input.fill(0);
    this.resampler.run(image, this.offset, this.stride, input, this.filledOffset, 3 * this.size);
  }
}

/** The conversion of the model's alpha to the alpha of images of one size. Its buffers are allocated once. */
export class AlphaScaler {
  /**
   * @param {number} height of the image in pixels, >= 1
   * @param {number} width of the image in pixels, >= 1
   * @param {number} size side of the model's alpha in pixels, >= 1
   * @param {Fit | Placement} [fit] as for the model's input
   */
  constructor(height, width, size, fit = 'stretch') {
    const {seen, filled} = typeof fit === 'string' ? place(fit, height, width, size) : fit;
    this.size = size;
    this.width = width;
    this.offset = seen.top * width + seen.left;
    this.filledOffset = filled.top * size + filled.left;
    this.partial = seen.height < height || seen.width < width;
    this.resampler = new Resampler(filled.height, filled.width, seen.height, seen.width, 1);
  }

  /**
   * Writes the alpha of the image, scaled bilinearly from the model's alpha.
   *
   * @param {Bytes} modelAlpha size · size bytes, 0-255; 255 is the person.
   * @param {Bytes} alpha output, height · width bytes. All are written; what the network did not see of the image
   *   is 0.
   */
  run(modelAlpha, alpha) {
    if (this.partial) alpha.fill(0);
    this.writePart(modelAlpha, alpha);
  }

  /**
   * Writes the part of the image that the network saw, and nothing else.
   *
   * @param {Bytes} modelAlpha size · size bytes, 0-255; 255 is the person.
   * @param {Bytes} alpha output, height · width bytes.
   */
  writePart(modelAlpha, alpha) {
    this.resampler.run(modelAlpha, this.filledOffset, this.size, alpha, this.offset, this.width);
  }
}
