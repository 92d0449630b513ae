/**
 * Compositing of an image over another background (preprocessing.md, section 6). All pixels are RGBA with straight (not
 * premultiplied) alpha.
 *
 * @typedef {import('./resample.js').Bytes} Bytes
 */

import {Resampler} from './resample.js';

/**
 * Composites an image over a background image of the same size.
 *
 * @param {Bytes} image 4 bytes per pixel, RGBA; the fourth byte is ignored.
 * @param {Bytes} alpha 1 byte per pixel, 0-255; 255 is the person.
 * @param {Bytes} background 4 bytes per pixel, RGBA; the fourth byte is ignored.
 * @param {Bytes} out output, 4 bytes per pixel, RGBA, opaque.
 */
export function compositeOverImage(image, alpha, background, out) {
  for (let i = 0, at = 0; i < alpha.length; i++, at += 4) {
    const a = alpha[i];
    const b = 255 - a;
    out[at] = ((a * image[at] + b * background[at] + 127) / 255) | 0;
    out[at + 1] = ((a * image[at + 1] + b * background[at + 1] + 127) / 255) | 0;
    out[at + 2] = ((a * image[at + 2] + b * background[at + 2] + 127) / 255) | 0;
    out[at + 3] = 255;
  }
}

/**
 * Composites an image over one colour.
 *
 * @param {Bytes} image 4 bytes per pixel, RGBA; the fourth byte is ignored.
 * @param {Bytes} alpha 1 byte per pixel, 0-255; 255 is the person.
 * @param {readonly [number, number, number]} colour R, G, B, 0-255 each.
 * @param {Bytes} out output, 4 bytes per pixel, RGBA, opaque.
 */
export function compositeOverColour(image, alpha, [red, green, blue], out) {
  for (let i = 0, at = 0; i < alpha.length; i++, at += 4) {
    const a = alpha[i];
    const b = 255 - a;
    out[at] = ((a * image[at] + b * red + 127) / 255) | 0;
    out[at + 1] = ((a * image[at + 1] + b * green + 127) / 255) | 0;
    out[at + 2] = ((a * image[at + 2] + b * blue + 127) / 255) | 0;
    out[at + 3] = 255;
  }
}

/**
 * Writes a cut-out: the image's own colours with its alpha.
 *
 * @param {Bytes} image 4 bytes per pixel, RGBA; the fourth byte is ignored.
 * @param {Bytes} alpha 1 byte per pixel, 0-255; 255 is the person.
 * @param {Bytes} out output, 4 bytes per pixel, RGBA.
 */
export function cutOut(image, alpha, out) {
  out.set(image);
  for (let i = 0; i < alpha.length; i++) out[4 * i + 3] = alpha[i];
}

/**
 * Writes an alpha matte as an opaque grey image, white for the person.
 *
 * @param {Bytes} alpha 1 byte per pixel, 0-255; 255 is the person.
 * @param {Bytes} out output, 4 bytes per pixel, RGBA, opaque.
 */
export function alphaAsGrey(alpha, out) {
  for (let i = 0; i < alpha.length; i++) {
    out[4 * i] = out[4 * i + 1] = out[4 * i + 2] = alpha[i];
    out[4 * i + 3] = 255;
  }
}

/**
 * Scales an image so that it covers `height` × `width` and keeps its proportions. What does not fit is cropped, equally
 * on both sides.
 *
 * @param {{pixels: Bytes, height: number, width: number}} image RGBA, 4 · height · width bytes; the fourth byte of each
 *   pixel is ignored.
 * @param {number} height of the result in pixels, >= 1
 * @param {number} width of the result in pixels, >= 1
 * @returns {Uint8ClampedArray} 4 · height · width bytes, RGBA, opaque.
 */
export function scaleToCover(image, height, width) {
  const scale = Math.max(height / image.height, width / image.width);
  const h = Math.max(1, Math.min(image.height, Math.round(height / scale)));
  const w = Math.max(1, Math.min(image.width, Math.round(width / scale)));
  const offset = 4 * (((image.height - h) >> 1) * image.width + ((image.width - w) >> 1));
  const out = new Uint8ClampedArray(4 * height * width).fill(255);
  new Resampler(h, w, height, width, 3, 4, 4).run(image.pixels, offset, 4 * image.width, out, 0, 4 * width);
  return out;
}
