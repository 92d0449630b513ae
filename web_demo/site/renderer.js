/**
 * Rendering of results: an image, its alpha and a background give the image that is shown or saved.
 *
 * @typedef {import('./core/fit.js').Rectangle} Rectangle
 * @typedef {import('./images.js').Image} Image
 * @typedef {{seen: Rectangle, modelAlpha: Uint8Array}} AlphaPart a part of an image that the network saw, and its alpha:
 *   size · size bytes, 0-255; 255 is the person.
 * @typedef {{kind: 'transparent' | 'blur' | 'matte'} | {kind: 'colour', colour: [number, number, number]}
 *   | {kind: 'image', image: Image}} Background what replaces the image's background: nothing (a cut-out), its own
 *   background, blurred, a colour (R, G, B, 0-255) or another image. 'matte' renders the alpha itself, as grey.
 */

import {BlurredBackground} from './core/blurred-background.js';
import {alphaAsGrey, compositeOverColour, compositeOverImage, cutOut, scaleToCover} from './core/compositing.js';
import {placeCrop} from './core/fit.js';
import {AlphaScaler} from './core/preprocess.js';
import {isSame} from './core/tracking.js';

/** A renderer for images of one size. It keeps its buffers from one image to the next. */
export class Renderer {
  /**
   * The background image, and its pixels at the size of the renderer.
   *
   * @type {{of: Image, pixels: Uint8ClampedArray} | undefined}
   */
  scaledBackground;
  /** The scalings of the alphas of the latest parts of the image. @type {{seen: Rectangle, scaler: AlphaScaler}[]} */
  scalings = [];
  /** @type {BlurredBackground | undefined} */
  blurredBackground;
  /** The pixels of the blurred background. @type {Uint8ClampedArray | undefined} */
  blurred;

  /**
   * @param {number} height of the images in pixels
   * @param {number} width of the images in pixels
   * @param {number} size side of the model's alpha in pixels
   */
  constructor(height, width, size) {
    this.height = height;
    this.width = width;
    this.size = size;
    this.alpha = new Uint8Array(height * width);
    this.out = new Uint8ClampedArray(new ArrayBuffer(4 * height * width));
  }

  /**
   * Renders one image.
   *
   * @param {Image} image of the renderer's size
   * @param {AlphaPart[]} parts of the image; elsewhere alpha is 0.
   * @param {Background} background
   * @returns {Uint8ClampedArray<ArrayBuffer>} 4 · height · width bytes, RGBA with straight alpha. The next call
   *   overwrites them.
   */
  render(image, parts, background) {
    const {alpha, out, height, width, size} = this;
    this.scalings = parts.map(
      ({seen}) =>
        this.scalings.find((one) => isSame(one.seen, seen)) ??
        {seen, scaler: new AlphaScaler(height, width, size, placeCrop(seen, size))},
    );
    if (parts.length === 1) this.scalings[0].scaler.run(parts[0].modelAlpha, alpha);
    else {
      alpha.fill(0);
      parts.forEach(({modelAlpha}, index) => this.scalings[index].scaler.writePart(modelAlpha, alpha));
    }
    if (background.kind === 'transparent') cutOut(image.pixels, alpha, out);
    else if (background.kind === 'matte') alphaAsGrey(alpha, out);
    else if (background.kind === 'colour') compositeOverColour(image.pixels, alpha, background.colour, out);
    else compositeOverImage(image.pixels, alpha, this.backgroundPixels(image, background), out);
    return out;
  }

  /**
   * @param {Image} image
   * @param {Background} background of kind 'image' or 'blur'
   * @returns {Uint8ClampedArray} 4 · height · width bytes, RGBA
   */
  backgroundPixels(image, background) {
    if (background.kind === 'image') {
      if (this.scaledBackground?.of !== background.image) {
        const pixels = scaleToCover(background.image, this.height, this.width);
        this.scaledBackground = {of: background.image, pixels};
      }
      return this.scaledBackground.pixels;
    }
    this.blurredBackground ??= new BlurredBackground(this.height, this.width);
    this.blurred ??= new Uint8ClampedArray(4 * this.height * this.width);
    this.blurredBackground.run(image.pixels, this.alpha, this.blurred);
    return this.blurred;
  }
}
