/**
 * The picture's own background out of focus (PREPROCESSING.md, section 6), for one size.
 *
 * @typedef {import('./resample.js').Bytes} Bytes
 */

import {inscribe} from './fit.js';
import {Resampler} from './resample.js';

const SIDE = 128;
const PASSES = 3;
const RADIUS = 2;
const SUMS = 4; // R, G, B and the weight itself

/** Buffers for pictures of one size. */
export class Backdrop {
  /**
   * @param {number} height
   * @param {number} width
   */
  constructor(height, width) {
    const [h, w] = inscribe(height, width, Math.min(SIDE, Math.max(height, width)));
    this.width = width;
    this.h = h;
    this.w = w;
    this.shrinkPicture = new Resampler(height, width, h, w, 3, 4, 3);
    this.shrinkAlpha = new Resampler(height, width, h, w, 1);
    this.enlarge = new Resampler(h, w, height, width, 3, 3, 4);
    this.picture = new Uint8Array(3 * h * w);
    this.alpha = new Uint8Array(h * w);
    this.sums = new Int32Array(SUMS * h * w);
    this.line = new Int32Array(Math.max(h, w) + 2 * RADIUS);
  }

  /**
   * Blurs what lies behind the person.
   *
   * @param {Bytes} picture 4 · height · width bytes, RGBA.
   * @param {Bytes} alpha height · width bytes.
   * @param {Bytes} blurred 4 · height · width bytes, of which the colours are written.
   */
  run(picture, alpha, blurred) {
    const {h, w, width} = this;
    this.shrinkPicture.run(picture, 0, 4 * width, this.picture, 0, 3 * w);
    this.shrinkAlpha.run(alpha, 0, width, this.alpha, 0, w);
    this.weigh();
    for (let pass = 0; pass < PASSES; pass++) {
      for (let y = 0; y < h; y++) for (let c = 0; c < SUMS; c++) this.box(SUMS * y * w + c, SUMS, w);
      for (let x = 0; x < w; x++) for (let c = 0; c < SUMS; c++) this.box(SUMS * x + c, SUMS * w, h);
    }
    this.divide();
    this.enlarge.run(this.picture, 0, 3 * w, blurred, 0, 4 * width);
  }

  weigh() {
    const {picture, alpha, sums} = this;
    for (let i = 0; i < alpha.length; i++) {
      const m = 256 - alpha[i];
      for (let c = 0; c < 3; c++) sums[SUMS * i + c] = m * picture[3 * i + c];
      sums[SUMS * i + 3] = m * 255;
    }
  }

  /**
   * The mean of 2 · RADIUS + 1 neighbours along one line of the sums, edges repeated, rounded half up.
   *
   * @param {number} start
   * @param {number} step
   * @param {number} length
   */
  box(start, step, length) {
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

  divide() {
    const {picture, alpha, sums} = this;
    for (let i = 0; i < alpha.length; i++) {
      const n = sums[SUMS * i + 3];
      for (let c = 0; c < 3; c++) {
        picture[3 * i + c] = Math.min(255, ((255 * sums[SUMS * i + c] + (n >> 1)) / n) | 0);
      }
    }
  }
}
