/**
 * Encoding of results as files.
 *
 * @typedef {import('../core/image-core.js').ImageCore} ImageCore
 * @typedef {import('./renderer.js').Background} Background
 * @typedef {{format: 'png' | 'webp' | 'jpeg', quality: number}} FileFormat the quality, 0 to 1, is that of WebP and JPEG.
 */

import {encodePng} from '../core/png.js';
import {UserError} from './errors.js';
import {render} from './renderer.js';

const WHITE = /** @type {[number, number, number]} */ ([255, 255, 255]);

/**
 * Renders and encodes an image whose alpha was computed.
 *
 * PNG files hold the exact bytes, the alpha straight; that of a matte has one channel. WebP and JPEG files are made by the
 * browser. A JPEG file has no alpha: it shows a cut-out over white.
 *
 * @param {ImageCore} image
 * @param {Background} background
 * @param {FileFormat} format
 * @returns {Promise<Blob>}
 * @throws {UserError} the browser cannot write this format, or not at this size.
 */
export async function encode(image, background, {format, quality}) {
  const {height, width} = image;
  if (format === 'png') {
    if (background.kind === 'matte') return encodePng(image.alphaBytes(), height, width, 1);
    return encodePng(render(image, background), height, width);
  }
  const opaque = format === 'jpeg' && background.kind === 'transparent';
  const pixels = render(image, opaque ? {kind: 'colour', colour: WHITE} : background);
  const name = format === 'jpeg' ? 'JPEG' : 'WebP';
  let blob;
  try {
    const canvas = new OffscreenCanvas(width, height);
    canvas.getContext('2d')?.putImageData(new ImageData(pixels, width, height), 0, 0);
    blob = await canvas.convertToBlob({type: `image/${format}`, quality});
  } catch {
    throw new UserError(`The browser cannot write a ${name} file of ${width}×${height} pixels. Choose PNG.`);
  }
  if (blob.type !== `image/${format}`) throw new UserError(`This browser cannot write ${name} files. Choose PNG.`);
  return blob;
}
