/**
 * The requests of the npm package, as the worker or node answers them.
 *
 * @typedef {{data: Uint8Array | Uint8ClampedArray, width: number, height: number}} Pixels RGBA
 * @typedef {{message: object, transfer?: Transferable[]}} Response
 */

import {compileCore} from '../core/wasm.js';
import {UserError} from './errors.js';
import {FrameReader} from './images.js';
import {computeAlpha, Matter} from './matter.js';
import {loadRuntime, MattingModel} from './model.js';
import {render} from './renderer.js';

const REQUESTS = ['start', 'matte', 'composite'];
const PAUSE = 1000; // milliseconds without a frame after which the next one begins another video
const MAX_PIXELS = 1 << 26;

/** One loaded network. */
export class Session {
  frames = new FrameReader();
  lastFrame = 0;

  /** @param {any} data a request; `kind` is the name of the method. @returns {Promise<Response>} */
  async handle(data) {
    if (!REQUESTS.includes(data.kind)) throw new TypeError(`unknown request '${data.kind}'`);
    return /** @type {any} */ (this)[data.kind](data);
  }

  /**
   * Loads the network and runs it once.
   *
   * @param {{base: string, build: 'threaded' | 'compat', threads: number, model?: Uint8Array, core?: WebAssembly.Module}}
   *   data where node has read the model and the core, it hands them over.
   * @returns {Promise<Response>}
   */
  async start({base, build, threads, model, core}) {
    const module = core ?? (await compileCore(new URL('core/core.wasm', base)));
    // Node would print LiteRT's lines of information.
    await loadRuntime(build, {folder: new URL('litert/', base), quiet: core !== undefined});
    const network = await MattingModel.compile(model ?? (await fetchModel(new URL('model.tflite', base))), threads);
    await network.run(new Uint8Array(3 * network.size ** 2)); // the first run is slower than all later ones
    this.matter = new Matter(network, module);
    return {message: {size: network.size}};
  }

  /**
   * Mattes an image.
   *
   * @param {{source: Pixels | ImageBitmap | VideoFrame, video: boolean, mirrored: boolean}} data
   * @returns {Promise<Response>}
   */
  async matte({source, video, mirrored}) {
    const {matter} = this;
    if (!matter) throw new Error('the network is not loaded');
    const {pixels, height, width} = this.read(source);
    this.image = matter.imageOf(this.image, height, width);
    this.image.read(pixels, mirrored);
    const now = performance.now();
    if (!video || now - this.lastFrame > PAUSE) this.tracker = undefined;
    if (video) this.tracker ??= matter.createTracker();
    const parts = await matter.see(this.image, this.tracker);
    if (video) this.lastFrame = performance.now();
    computeAlpha(this.image, this.image, parts);
    const [alpha, original] = [this.image.alphaBytes(), mirrored ? this.image.original() : pixels];
    const found = {alpha, pixels: original, seen: parts.map(({seen}) => seen), nobody: matter.foundNobody(parts)};
    return {message: {width, height, ...found}, transfer: [alpha.buffer, original.buffer]};
  }

  /**
   * Renders an image that was matted.
   *
   * @param {{pixels: Uint8ClampedArray, alpha: Uint8Array, width: number, height: number,
   *   background: import('./renderer.js').Background}} data
   * @returns {Promise<Response>}
   */
  async composite({pixels, alpha, width, height, background}) {
    const image = (this.rendered = /** @type {Matter} */ (this.matter).imageOf(this.rendered, height, width));
    image.read(pixels);
    image.setAlpha(alpha);
    const data = render(image, background);
    return {message: {data, width, height}, transfer: [data.buffer]};
  }

  /** Frees the network. */
  close() {
    this.matter?.model.delete();
    this.matter = undefined;
  }

  /**
   * Reads an image of any kind.
   *
   * @param {Pixels | ImageBitmap | VideoFrame} source
   * @returns {import('./images.js').Image}
   */
  read(source) {
    if (!('data' in source)) return this.frames.read(source);
    const {data, width, height} = source;
    if (!(width >= 1 && height >= 1) || data.length !== 4 * width * height) {
      throw new UserError(
        `an image of ${width}×${height} pixels needs 4 · ${width} · ${height} bytes, not ${data.length}`,
      );
    }
    if (width * height > MAX_PIXELS) throw new UserError(`an image has at most ${MAX_PIXELS} pixels`);
    return {pixels: overWhite(data), height, width};
  }
}

/** @param {URL} url @returns {Promise<Uint8Array>} */
async function fetchModel(url) {
  const response = await fetch(url);
  if (!response.ok) throw new UserError(`${url} cannot be loaded (HTTP status ${response.status})`);
  return new Uint8Array(await response.arrayBuffer());
}

/** @param {Uint8Array | Uint8ClampedArray} data RGBA @returns {Uint8ClampedArray} a copy, opaque */
function overWhite(data) {
  const pixels = new Uint8ClampedArray(data);
  for (let i = 0; i < pixels.length; i += 4) {
    const alpha = pixels[i + 3];
    if (alpha === 255) continue;
    for (let c = i; c < i + 3; c++) pixels[c] = Math.floor((pixels[c] * alpha + 255 * (255 - alpha) + 127) / 255);
    pixels[i + 3] = 255;
  }
  return pixels;
}
