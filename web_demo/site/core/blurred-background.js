/**
 * Blurring of an image's own background (preprocessing.md, section 6, "Blurred background").
 *
 * @typedef {import('./resample.js').Bytes} Bytes
 */

import {inscribe} from './fit.js';
import {Resampler} from './resample.js';

const MAX_SIDE = 128; // pixels of the longer side of the small image in which the blur is computed
const PASSES = 3;
const RADIUS = 2;
const SUMS = 4; // per pixel: the weighted R, G and B, and the weight

/**
 * The blurring of the background, for images of one size. The colours of the person do not leak into it, because each
 * pixel counts by 1 − alpha. Its buffers are allocated once, by the constructor.
 */
export class BlurredBackground {
  /**
   * @param {number} height of the image in pixels, >= 1
   * @param {number} width of the image in pixels, >= 1
   */
  constructor(height, width) {
    const [h, w] = inscribe(height, width, Math.min(MAX_SIDE, Math.max(height, width)));
    this.width = width;
    this.smallHeight = h;
    this.smallWidth = w;
    this.shrinkImage = new Resampler(height, width, h, w, 3, 4, 3);
    this.shrinkAlpha = new Resampler(height, width, h, w, 1);
    this.enlarge = new Resampler(h, w, height, width, 3, 3, 4);
    this.smallImage = new Uint8Array(3 * h * w);
    this.smallAlpha = new Uint8Array(h * w);
    this.sums = new Int32Array(SUMS * h * w);
    this.line = new Int32Array(Math.max(h, w) + 2 * RADIUS);
  }

  /**
   * Computes the blurred background of an image.
   *
   * @param {Bytes} image 4 · height · width bytes, RGBA; the fourth byte of each pixel is ignored.
   * @param {Bytes} alpha height · width bytes, 0-255; 255 is the person.
   * @param {Bytes} blurred output, 4 · height · width bytes, RGBA. R, G and B are written, the fourth byte is left as
   *   it is.
   */
  run(image, alpha, blurred) {
    const {smallHeight: h, smallWidth: w, width} = this;
    this.shrinkImage.run(image, 0, 4 * width, this.smallImage, 0, 3 * w);
    this.shrinkAlpha.run(alpha, 0, width, this.smallAlpha, 0, w);
    this.weight();
    for (let pass = 0; pass < PASSES; pass++) {
      for (let y = 0; y < h; y++) for (let c = 0; c < SUMS; c++) this.boxFilter(SUMS * y * w + c, SUMS, w);
      for (let x = 0; x < w; x++) for (let c = 0; c < SUMS; c++) this.boxFilter(SUMS * x + c, SUMS * w, h);
    }
    this.normalise();
    this.enlarge.run(this.smallImage, 0, 3 * w, blurred, 0, 4 * width);
  }

  /** Fills `sums` with the colours of the small image times the weight of each pixel, and with the weights. */
  weight() {
    const {smallImage, smallAlpha, sums} = this;
    for (let i = 0; i < smallAlpha.length; i++) {
      const m = 256 - smallAlpha[i]; // at least 1, so that every pixel gets a colour
      for (let c = 0; c < 3; c++) sums[SUMS * i + c] = m * smallImage[3 * i + c];
      sums[SUMS * i + 3] = m * 255;
    }
  }

  /**
   * Replaces each value of one line of `sums` by the mean of itself and RADIUS neighbours on either side, rounded half
   * up. The values at the two ends of the line are repeated beyond it.
   *
   * @param {number} start index of the first value of the line
   * @param {number} step distance between two neighbouring values of the line
   * @param {number} length number of values in the line
   */
  boxFilter(start, step, length) {
    const {sums, line} = this;
    for (let i = 0; i < length + 2 * RADIUS; i++) {
      line[i] = sums[start + step * Math.min(Math.max(i - RADIUS, 0), length - 1)];
    }
    let total = RADIUS;
    for (let i = 0; i < 2 * RADIUS; i++) total += line[i];
    for (let i = 0; i < length; i++) {
      total += line[i + 2 * RADIUS];
      sums[start + step * i] = (total / (2 * RADIUS + 1)) | 0;
      total -= line[i];
    }
  }

  /** Divides the blurred colours by the blurred weights and writes them to the small image. */
  normalise() {
    const {smallImage, smallAlpha, sums} = this;
    for (let i = 0; i < smallAlpha.length; i++) {
      const n = sums[SUMS * i + 3];
      for (let c = 0; c < 3; c++) {
        smallImage[3 * i + c] = Math.min(255, ((255 * sums[SUMS * i + c] + (n >> 1)) / n) | 0);
      }
    }
  }
}
