/**
 * The stages before and after the network, for images of one size.
 *
 * @typedef {import('./fit.js').Rectangle} Rectangle
 * @typedef {import('./wasm.js').Bytes} Bytes
 * @typedef {import('./wasm.js').Core} Core
 * @typedef {{seen: Rectangle, input: Uint8Array, modelAlpha: Bytes}} AlphaPart a part of an image that the model saw, its
 *   input, 3 · size · size bytes, and its alpha, size · size bytes, 0-255; 255 is the person.
 */

import {blurBackground} from './blur.js';
import {inscribe, placeCrop} from './fit.js';

const BAND_PIXELS = 1 << 16; // images enter and leave the core's memory in bands of rows of about so many pixels

/**
 * One image and its alpha in the core's memory. Its buffers are used again for the next image of the same size: no image
 * allocates memory, except the arrays that are returned, and one for an alpha of several parts.
 */
export class ImageCore {
  /** Address of a background image at the size of the image. @type {number | undefined} */
  background;
  /** The background image that lies there. @type {object | undefined} */
  backgroundImage;

  /**
   * @param {Core} core an instance, which only this image uses
   * @param {number} height of the images in pixels, >= 1
   * @param {number} width of the images in pixels, >= 1
   * @param {number} size side of the model's input in pixels
   * @throws {RangeError} the browser has no memory left.
   */
  constructor(core, height, width, size) {
    const pixels = height * width;
    this.core = core;
    this.height = height;
    this.width = width;
    this.size = size;
    this.bandRows = Math.min(height, Math.max(1, Math.floor(BAND_PIXELS / width)));
    this.band = this.core.reserve(4 * width * this.bandRows);
    this.placement = this.core.reserve(32);
    this.input = this.core.reserve(3 * size * size);
    this.modelAlpha = this.core.reserve(size * size);
    this.colour = this.core.reserve(3 * width);
    this.image = this.core.reserve(3 * pixels);
    this.alpha = this.core.reserve(pixels);
    /** Address of what is rendered, in RGB. @type {number | undefined} */
    this.rendered = undefined;
  }

  /**
   * Takes an image.
   *
   * @param {Bytes} pixels 4 · height · width bytes, RGBA; the fourth byte of each pixel is ignored.
   * @param {boolean} [mirrored] whether the image is flipped left to right.
   */
  read(pixels, mirrored = false) {
    this.readPixels(pixels, this.height, this.width, this.image);
    if (!mirrored) return;
    const {core, height, width, image} = this;
    const out = this.outAddress();
    core.call('orient', image, height, width, 3, 0, 1, 0, out);
    core.view(image, 3 * height * width).set(core.view(out, 3 * height * width));
  }

  /**
   * Takes the pixels of another image, scaled to the size of this one.
   *
   * @param {ImageCore} other
   */
  readScaled(other) {
    const {height, width} = this;
    const out = other.core.end;
    const size = other.core.exports.mmnet_resample_arena(other.height, other.width, 3, height, width);
    const arena = out + 3 * height * width;
    other.core.ensure(arena + size);
    const source = [other.image, 3 * other.width, other.height, other.width, 3];
    other.core.call('resample', ...source, out, 3 * width, height, width, arena, size);
    this.core.view(this.image, 3 * height * width).set(other.core.view(out, 3 * height * width));
  }

  /**
   * Returns the model's input for a part of the image, which is stretched.
   *
   * @param {Rectangle} seen
   * @returns {Uint8Array} 3 · size · size bytes, RGB; a copy.
   */
  prepare(seen) {
    const {core, height, width, size, placement, input} = this;
    core.writePlacement(placement, placeCrop(seen, size));
    core.run('model_input', [placement], [this.image, height, width, placement, size, input]);
    return core.view(input, 3 * size * size).slice();
  }

  /**
   * Computes the alpha of the image, guided by the image.
   *
   * @param {AlphaPart[]} parts of the image that the model saw, at least one; elsewhere alpha is 0.
   */
  computeAlpha(parts) {
    const {core, height, width} = this;
    if (parts.length === 1) return this.computePart(parts[0]);
    const whole = new Uint8Array(height * width);
    for (const part of parts) {
      this.computePart(part);
      const alpha = core.view(this.alpha, height * width);
      const {top, left, height: rows, width: columns} = part.seen;
      for (let start = top * width + left; start < (top + rows) * width; start += width) {
        whole.set(alpha.subarray(start, start + columns), start);
      }
    }
    core.view(this.alpha, height * width).set(whole);
  }

  /**
   * Computes the alpha of one part of the image; elsewhere it becomes 0.
   *
   * @param {AlphaPart} part
   */
  computePart({seen, input, modelAlpha}) {
    const {core, height, width, size, placement} = this;
    core.view(this.modelAlpha, size * size).set(modelAlpha);
    core.view(this.input, 3 * size * size).set(input);
    core.writePlacement(placement, placeCrop(seen, size));
    const values = [this.modelAlpha, this.input, size, placement, this.image, height, width, this.alpha];
    core.run('fine_alpha', [size, placement], values);
  }

  /**
   * Returns a cut-out: the estimated colours of the foreground with straight alpha.
   *
   * @returns {Uint8ClampedArray<ArrayBuffer>} RGBA
   */
  cutOut() {
    const {core, height, width, image, alpha} = this;
    const out = this.outAddress();
    core.run('foreground', [height, width], [image, alpha, height, width, out]);
    return this.pixels(out, true);
  }

  /** Returns the alpha as an opaque grey image. @returns {Uint8ClampedArray<ArrayBuffer>} RGBA */
  grey() {
    return this.bands((start, count) => this.core.call('rgba_from_alpha', this.alpha + start, count, this.band));
  }

  /**
   * Returns the composite over a colour.
   *
   * @param {readonly [number, number, number]} colour R, G, B, 0-255 each
   * @returns {Uint8ClampedArray<ArrayBuffer>} RGBA
   */
  overColour([red, green, blue]) {
    const row = this.core.view(this.colour, 3 * this.width);
    for (let i = 0; i < row.length; i += 3) [row[i], row[i + 1], row[i + 2]] = [red, green, blue];
    return this.composite(this.colour, 0);
  }

  /** Returns the image itself. @returns {Uint8ClampedArray<ArrayBuffer>} RGBA, opaque */
  original() {
    return this.pixels(this.image, false);
  }

  /** Returns the alpha that was computed. @returns {Uint8Array} height · width bytes */
  alphaBytes() {
    return this.core.view(this.alpha, this.height * this.width).slice();
  }

  /** Replaces the alpha. @param {Bytes} alpha height · width bytes */
  setAlpha(alpha) {
    this.core.view(this.alpha, this.height * this.width).set(alpha);
  }

  /**
   * Returns the composite over the image's own background, blurred.
   *
   * @param {number} [strength] of the blur, > 0; 1 is the core's own, see `blurBackground`.
   * @returns {Uint8ClampedArray<ArrayBuffer>} RGBA
   */
  overBlur(strength = 1) {
    const {core, height, width, image, alpha} = this;
    this.backgroundImage = undefined; // the blur takes its place
    const background = this.backgroundAddress();
    if (strength === 1) core.run('blurred_background', [height, width], [image, alpha, height, width, background]);
    else blurBackground(core, this, strength, background);
    return this.composite(background, 3 * width);
  }

  /**
   * Returns the composite over the image that `setBackground` was given.
   *
   * @returns {Uint8ClampedArray<ArrayBuffer>} RGBA
   */
  overBackground() {
    return this.composite(this.backgroundAddress(), 3 * this.width);
  }

  /**
   * Takes a background image. It covers the image and keeps its proportions; what does not fit is cropped, equally on
   * both sides. The same object is scaled once.
   *
   * @param {{pixels: Bytes, height: number, width: number}} image RGBA, 4 · height · width bytes
   */
  setBackground(image) {
    if (image === this.backgroundImage) return;
    this.backgroundImage = image;
    const {core, height, width} = this;
    const {pixels, height: sourceHeight, width: sourceWidth} = image;
    const background = this.backgroundAddress();
    const scale = Math.max(height / sourceHeight, width / sourceWidth);
    const h = Math.max(1, Math.min(sourceHeight, Math.round(height / scale)));
    const w = Math.max(1, Math.min(sourceWidth, Math.round(width / scale)));
    const end = core.end;
    const source = core.reserve(3 * sourceHeight * sourceWidth);
    this.readPixels(pixels, sourceHeight, sourceWidth, source);
    const start = source + 3 * (((sourceHeight - h) >> 1) * sourceWidth + ((sourceWidth - w) >> 1));
    const values = [start, 3 * sourceWidth, h, w, 3, background, 3 * width, height, width];
    core.run('resample', [h, w, 3, height, width], values);
    core.end = end; // the source is needed no more
  }

  /**
   * @param {number} background address of the rows of the background, RGB
   * @param {number} stride bytes from one row to the next; 0 repeats one row.
   */
  composite(background, stride) {
    const {core, height, width, image, alpha} = this;
    const out = this.outAddress();
    core.run('composite', [height, width], [image, alpha, background, stride, height, width, 1, out]);
    return this.pixels(out, false);
  }

  /**
   * @param {number} rgb address
   * @param {boolean} withAlpha whether pixels get the image's alpha, or are opaque
   */
  pixels(rgb, withAlpha) {
    return this.bands((start, count) =>
      this.core.call('rgba_from_rgb', rgb + 3 * start, withAlpha ? this.alpha + start : 0, count, 0, this.band),
    );
  }

  /**
   * Returns RGBA pixels that are computed band by band.
   *
   * @param {(start: number, count: number) => void} fill writes `count` pixels from pixel `start` on to the band.
   * @returns {Uint8ClampedArray<ArrayBuffer>}
   */
  bands(fill) {
    const {core, height, width, bandRows, band} = this;
    const out = new Uint8ClampedArray(new ArrayBuffer(4 * height * width));
    for (let start = 0; start < height * width; start += bandRows * width) {
      const count = Math.min(bandRows * width, height * width - start);
      fill(start, count);
      out.set(core.view(band, 4 * count), 4 * start);
    }
    return out;
  }

  /**
   * Converts RGBA pixels to RGB in memory.
   *
   * @param {Bytes} pixels
   * @param {number} height
   * @param {number} width
   * @param {number} address
   */
  readPixels(pixels, height, width, address) {
    const most = this.bandRows * this.width;
    for (let start = 0; start < height * width; start += most) {
      const count = Math.min(most, height * width - start);
      this.core.view(this.band, 4 * count).set(pixels.subarray(4 * start, 4 * (start + count)));
      this.core.call('rgb_from_rgba', this.band, count, 0, address + 3 * start);
    }
  }

  outAddress() {
    return (this.rendered ??= this.core.reserve(3 * this.height * this.width));
  }

  backgroundAddress() {
    return (this.background ??= this.core.reserve(3 * this.height * this.width));
  }
}

/**
 * Returns the size of an image whose longer side has at most `side` pixels.
 *
 * @param {number} height
 * @param {number} width
 * @param {number} side
 * @returns {[number, number]} height and width
 */
export function limitSides(height, width, side) {
  return Math.max(height, width) <= side ? [height, width] : inscribe(height, width, side);
}
