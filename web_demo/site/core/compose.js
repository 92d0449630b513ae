/**
 * The person in front of another background (PREPROCESSING.md, section 6), in RGBA, straight (not premultiplied).
 *
 * @typedef {import('./resample.js').Bytes} Bytes
 */

import {Resampler} from './resample.js';

/**
 * Lays the picture over another.
 *
 * @param {Bytes} picture 4 bytes a pixel, of which the fourth is not looked at.
 * @param {Bytes} alpha 1 byte a pixel.
 * @param {Bytes} behind 4 bytes a pixel, likewise.
 * @param {Bytes} out 4 bytes a pixel, opaque.
 */
export function over(picture, alpha, behind, out) {
  for (let i = 0, at = 0; i < alpha.length; i++, at += 4) {
    const a = alpha[i];
    const b = 255 - a;
    out[at] = ((a * picture[at] + b * behind[at] + 127) / 255) | 0;
    out[at + 1] = ((a * picture[at + 1] + b * behind[at + 1] + 127) / 255) | 0;
    out[at + 2] = ((a * picture[at + 2] + b * behind[at + 2] + 127) / 255) | 0;
    out[at + 3] = 255;
  }
}

/**
 * Lays the picture over one colour.
 *
 * @param {Bytes} picture
 * @param {Bytes} alpha
 * @param {readonly [number, number, number]} colour R, G, B in 0-255.
 * @param {Bytes} out
 */
export function overColour(picture, alpha, [red, green, blue], out) {
  for (let i = 0, at = 0; i < alpha.length; i++, at += 4) {
    const a = alpha[i];
    const b = 255 - a;
    out[at] = ((a * picture[at] + b * red + 127) / 255) | 0;
    out[at + 1] = ((a * picture[at + 1] + b * green + 127) / 255) | 0;
    out[at + 2] = ((a * picture[at + 2] + b * blue + 127) / 255) | 0;
    out[at + 3] = 255;
  }
}

/**
 * The picture's own colours with its alpha.
 *
 * @param {Bytes} picture
 * @param {Bytes} alpha
 * @param {Bytes} out
 */
export function cutout(picture, alpha, out) {
  out.set(picture);
  for (let i = 0; i < alpha.length; i++) out[4 * i + 3] = alpha[i];
}

/**
 * The alpha itself as grey.
 *
 * @param {Bytes} alpha
 * @param {Bytes} out
 */
export function grey(alpha, out) {
  for (let i = 0; i < alpha.length; i++) {
    out[4 * i] = out[4 * i + 1] = out[4 * i + 2] = alpha[i];
    out[4 * i + 3] = 255;
  }
}

/**
 * Scales a picture to cover height × width, and cuts what stands over evenly.
 *
 * @param {{pixels: Bytes, height: number, width: number}} picture RGBA
 * @param {number} height
 * @param {number} width
 * @returns {Uint8ClampedArray} 4 · height · width bytes, opaque.
 */
export function cover(picture, height, width) {
  const scale = Math.max(height / picture.height, width / picture.width);
  const h = Math.max(1, Math.min(picture.height, Math.round(height / scale)));
  const w = Math.max(1, Math.min(picture.width, Math.round(width / scale)));
  const offset = 4 * (((picture.height - h) >> 1) * picture.width + ((picture.width - w) >> 1));
  const out = new Uint8ClampedArray(4 * height * width).fill(255);
  new Resampler(h, w, height, width, 3, 4, 4).run(picture.pixels, offset, 4 * picture.width, out, 0, 4 * width);
  return out;
}
