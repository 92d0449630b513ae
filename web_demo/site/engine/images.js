/**
 * Reading of image files and camera frames into RGBA bytes.
 *
 * @typedef {{pixels: Uint8ClampedArray, height: number, width: number}} Image RGBA, 4 · height · width bytes, opaque;
 *   of a file, upright
 */

import {UserError} from './errors.js';

const MAX_PIXELS = 1 << 26; // 67 million pixels, which as RGBA are 268 MB
const BAND_PIXELS = 1 << 22; // a photo is read in bands of rows, because some browsers refuse canvases of its size

/**
 * Decodes an image file. The image is upright (its EXIF orientation is applied), in sRGB (its colour profile is applied),
 * and transparent pixels are composited over white, as in the Python runtime.
 *
 * @param {Blob} file
 * @returns {Promise<Image>}
 * @throws {UserError} the browser cannot read the file, or the image has more than 67 million pixels.
 */
export async function decode(file) {
  let bitmap;
  try {
    // Browsers apply the EXIF orientation and the colour profile by default. The option that asks for the orientation
    // is not known to all of them.
    bitmap = await createImageBitmap(file, {premultiplyAlpha: 'none'});
  } catch {
    throw new UserError('This file is not an image that your browser can read. Try a JPEG, PNG or WebP file.');
  }
  try {
    const {width, height} = bitmap;
    if (width * height > MAX_PIXELS) {
      const limit = '67 million pixels are the limit';
      throw new UserError(`This image has ${width}×${height} pixels; ${limit}. Choose or make a smaller one.`);
    }
    const pixels = new Uint8ClampedArray(4 * height * width);
    const rows = Math.min(height, Math.max(1, Math.floor(BAND_PIXELS / width)));
    const context = createContext(rows, width);
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

/** Reads frames and bitmaps. Its canvas is reused as long as they have the same size. */
export class FrameReader {
  /** @type {OffscreenCanvasRenderingContext2D | undefined} */
  context;

  /**
   * Reads one frame. Transparent pixels are composited over white.
   *
   * @param {ImageBitmap | VideoFrame} frame which is closed.
   * @returns {Image}
   * @throws {UserError} the browser has no memory left.
   */
  read(frame) {
    const [width, height] =
      'displayWidth' in frame ? [frame.displayWidth, frame.displayHeight] : [frame.width, frame.height];
    if (this.context?.canvas.width !== width || this.context.canvas.height !== height) {
      this.context = createContext(height, width);
      this.context.fillStyle = '#fff';
    }
    this.context.fillRect(0, 0, width, height);
    this.context.drawImage(frame, 0, 0, width, height);
    frame.close();
    return {pixels: this.context.getImageData(0, 0, width, height).data, height, width};
  }
}

/**
 * @param {number} height
 * @param {number} width
 * @returns {OffscreenCanvasRenderingContext2D} of a new canvas that is read more often than shown
 */
function createContext(height, width) {
  const context = new OffscreenCanvas(width, height).getContext('2d', {willReadFrequently: true});
  if (!context) throw new UserError('Your browser has no memory left for this image. Close other tabs and try again.');
  return context;
}
