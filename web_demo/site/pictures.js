/**
 * Files and video frames → RGBA bytes.
 *
 * @typedef {{pixels: Uint8ClampedArray, height: number, width: number}} Picture RGBA, opaque, upright
 */

import {ExpectedError} from './model.js';
import {apply} from './core/orientation.js';

const MAX_PIXELS = 1 << 26; // 67 million; as RGBA that is 268 MB
const STRIP_PIXELS = 1 << 22; // some browsers refuse canvases that are larger than a photo may be

/**
 * The bytes as the file has them: upright by its EXIF orientation, its colour profile not applied, as in Python. What is
 * transparent is laid over white.
 *
 * @param {Blob} file
 * @returns {Promise<Picture>}
 */
export async function decode(file) {
  let bitmap;
  try {
    // It lies upright of itself; not every browser that does so knows the option that says so.
    bitmap = await createImageBitmap(file, {colorSpaceConversion: 'none', premultiplyAlpha: 'none'});
  } catch {
    throw new ExpectedError('This file is not a picture that your browser can read. Try a JPEG, PNG or WebP.');
  }
  try {
    const {width, height} = bitmap;
    if (width * height > MAX_PIXELS) {
      throw new ExpectedError(`This picture is ${width}×${height}, which is too large for a browser. Make it smaller.`);
    }
    const pixels = new Uint8ClampedArray(4 * height * width);
    const rows = Math.min(height, Math.max(1, Math.floor(STRIP_PIXELS / width)));
    const context = scratch(rows, width);
    for (let top = 0; top < height; top += rows) {
      context.fillStyle = '#fff';
      context.fillRect(0, 0, width, rows);
      context.drawImage(bitmap, 0, -top);
      const count = Math.min(rows, height - top);
      pixels.set(context.getImageData(0, 0, width, count).data, 4 * width * top);
    }
    return {pixels, height, width};
  } finally {
    bitmap.close();
  }
}

/** Reads frames of one camera; the canvas is kept from one to the next. */
export class FrameReader {
  /** @type {OffscreenCanvasRenderingContext2D | undefined} */
  context;

  /**
   * @param {ImageBitmap} bitmap is closed.
   * @param {boolean} mirrored as a front camera's picture is shown.
   * @returns {Picture}
   */
  read(bitmap, mirrored) {
    const {width, height} = bitmap;
    if (this.context?.canvas.width !== width || this.context.canvas.height !== height) {
      this.context = scratch(height, width);
    }
    this.context.drawImage(bitmap, 0, 0);
    bitmap.close();
    const pixels = this.context.getImageData(0, 0, width, height).data;
    if (!mirrored) return {pixels, height, width};
    const turned = apply(new Uint32Array(pixels.buffer), height, width, 0, true);
    return {pixels: new Uint8ClampedArray(turned.pixels.buffer), height, width};
  }
}

/**
 * @param {number} height
 * @param {number} width
 * @returns {OffscreenCanvasRenderingContext2D}
 */
function scratch(height, width) {
  const context = new OffscreenCanvas(width, height).getContext('2d', {willReadFrequently: true});
  if (!context) throw new ExpectedError('Your browser has no memory left for this picture. Close other tabs.');
  return context;
}
