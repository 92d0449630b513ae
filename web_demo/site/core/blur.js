/**
 * The blurred background with a strength (preprocessing.md, section 6). The core in C blurs with one strength, at 128
 * pixels on the longer side; here the side is free: a smaller one blurs more. At 128 the bytes are the core's.
 *
 * @typedef {import('./wasm.js').Core} Core
 */

import {inscribe} from './fit.js';

const USUAL_SIDE = 128;
const RADIUS = 2;
const PASSES = 3;
const SUMS = 4; // per pixel: R, G, B and the weight

/**
 * Blurs the background of an image without the colours of its foreground.
 *
 * @param {Core} core
 * @param {{image: number, alpha: number, height: number, width: number}} source addresses of RGB and alpha; sides
 * @param {number} strength 1 is the core's own; 2 blurs twice as wide, 0.5 half as wide.
 * @param {number} out address of the result, RGB
 */
export function blurBackground(core, {image, alpha, height, width}, strength, out) {
  const longer = Math.max(8, Math.round(USUAL_SIDE / strength));
  const [h, w] = inscribe(height, width, Math.min(longer, Math.max(height, width)));
  const end = core.end;
  const small = core.reserve(3 * h * w);
  const smallAlpha = core.reserve(h * w);
  const resample = (/** @type {number[]} */ sizes, /** @type {number[]} */ values) =>
    core.run('resample', sizes, values);
  resample([height, width, 3, h, w], [image, 3 * width, height, width, 3, small, 3 * w, h, w]);
  resample([height, width, 1, h, w], [alpha, width, height, width, 1, smallAlpha, w, h, w]);
  blurSmall(core.view(small, 3 * h * w), core.view(smallAlpha, h * w), h, w);
  resample([h, w, 3, height, width], [small, 3 * w, h, w, 3, out, 3 * width, height, width]);
  core.end = end;
}

/**
 * Blurs a small image, in place. Pixels of the foreground weigh little.
 *
 * @param {Uint8Array} image RGB
 * @param {Uint8Array} alpha
 * @param {number} height
 * @param {number} width
 */
function blurSmall(image, alpha, height, width) {
  const sums = new Int32Array(SUMS * height * width);
  for (let i = 0; i < height * width; i++) {
    const weight = 256 - alpha[i]; // at least 1, so that every pixel gets a colour
    for (let c = 0; c < 3; c++) sums[SUMS * i + c] = weight * image[3 * i + c];
    sums[SUMS * i + 3] = weight * 255;
  }
  const line = new Int32Array(Math.max(height, width) + 2 * RADIUS);
  for (let pass = 0; pass < PASSES; pass++) {
    for (let i = 0; i < SUMS * height; i++) {
      filterLine(sums, Math.floor(i / SUMS) * SUMS * width + (i % SUMS), SUMS, width, line);
    }
    for (let i = 0; i < SUMS * width; i++) filterLine(sums, i, SUMS * width, height, line);
  }
  for (let i = 0; i < height * width; i++) {
    const total = sums[SUMS * i + 3];
    for (let c = 0; c < 3; c++) {
      image[3 * i + c] = Math.min(255, Math.floor((255 * sums[SUMS * i + c] + Math.floor(total / 2)) / total));
    }
  }
}

/**
 * Replaces each value of one line by the mean of it and its neighbours, rounded half up.
 *
 * @param {Int32Array} sums
 * @param {number} start
 * @param {number} step
 * @param {number} length
 * @param {Int32Array} line scratch memory
 */
function filterLine(sums, start, step, length, line) {
  for (let i = 0; i < length + 2 * RADIUS; i++) {
    line[i] = sums[start + step * Math.min(Math.max(i - RADIUS, 0), length - 1)];
  }
  let total = RADIUS;
  for (let i = 0; i < 2 * RADIUS; i++) total += line[i];
  for (let i = 0; i < length; i++) {
    total += line[i + 2 * RADIUS];
    sums[start + step * i] = Math.floor(total / (2 * RADIUS + 1));
    total -= line[i];
  }
}
