/**
 * Picture + alpha + background → what is shown, for pictures of one size.
 *
 * @typedef {import('./pictures.js').Picture} Picture
 * @typedef {{kind: 'transparent' | 'blur' | 'matte'} | {kind: 'colour', colour: [number, number, number]}
 *   | {kind: 'picture', picture: Picture}} Background
 */

import {Backdrop} from './core/backdrop.js';
import {cover, cutout, grey, over, overColour} from './core/compose.js';
import {AlphaPlacer} from './core/preprocess.js';

/** Buffers for one size. */
export class Painter {
  /** The background picture at this size. @type {{of: Picture, pixels: Uint8ClampedArray} | undefined} */
  covered;
  /** @type {Backdrop | undefined} */
  backdrop;
  /** @type {Uint8ClampedArray | undefined} */
  blurred;

  /**
   * @param {number} height
   * @param {number} width
   * @param {number} size of the model's alpha
   */
  constructor(height, width, size) {
    this.height = height;
    this.width = width;
    this.placer = new AlphaPlacer(height, width, size);
    this.placed = new Uint8Array(height * width);
    this.out = new Uint8ClampedArray(new ArrayBuffer(4 * height * width));
  }

  /**
   * @param {Picture} picture of this size
   * @param {Uint8Array} alpha the model's
   * @param {Background} background
   * @returns {Uint8ClampedArray<ArrayBuffer>} RGBA, straight; overwritten by the next call.
   */
  paint(picture, alpha, background) {
    const {placed, out} = this;
    this.placer.run(alpha, placed);
    if (background.kind === 'transparent') cutout(picture.pixels, placed, out);
    else if (background.kind === 'matte') grey(placed, out);
    else if (background.kind === 'colour') overColour(picture.pixels, placed, background.colour, out);
    else over(picture.pixels, placed, this.behind(picture, background), out);
    return out;
  }

  /**
   * @param {Picture} picture
   * @param {Background} background
   */
  behind(picture, background) {
    if (background.kind === 'picture') {
      if (this.covered?.of !== background.picture) {
        this.covered = {of: background.picture, pixels: cover(background.picture, this.height, this.width)};
      }
      return this.covered.pixels;
    }
    this.backdrop ??= new Backdrop(this.height, this.width);
    this.blurred ??= new Uint8ClampedArray(4 * this.height * this.width);
    this.backdrop.run(picture.pixels, this.placed, this.blurred);
    return this.blurred;
  }
}
