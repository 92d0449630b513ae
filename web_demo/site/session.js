/**
 * The state of one page in the worker: the model, the current image, its alpha and the background. The page's requests
 * are methods of `Session`.
 *
 * @typedef {import('./images.js').Image} Image
 * @typedef {import('./renderer.js').Background} Background
 * @typedef {{read: number, preprocess: number, network: number, composite: number}} Timings in milliseconds
 * @typedef {{width: number, height: number, timings: Timings}} MatteResult size of the image in pixels, and its timings
 * @typedef {{message: object, transfer?: Transferable[]}} Response
 */

import {inscribe} from './core/fit.js';
import {encodePng} from './core/png.js';
import {InputScaler} from './core/preprocess.js';
import {Resampler} from './core/resample.js';
import {UserError} from './errors.js';
import {decode, FrameReader} from './images.js';
import {MattingModel} from './model.js';
import {Renderer} from './renderer.js';

const REQUESTS = ['start', 'mattePhoto', 'matteFrame', 'setBackground', 'measure', 'save'];
const PREVIEW_SIDE = 2048; // limit in pixels of the longer side of what is shown; the saved file has the image's size

/** The session of one page. */
export class Session {
  /** @type {Background} */
  background = {kind: 'transparent'};
  /** The current image at its own size. @type {Image | undefined} */
  image;
  /** The current image as it is shown, with at most PREVIEW_SIDE pixels per side. @type {Image | undefined} */
  preview;
  /** The model's alpha of the current image: size · size bytes. @type {Uint8Array | undefined} */
  modelAlpha;
  /** The renderer of the preview. @type {Renderer | undefined} */
  renderer;
  /** @type {{scaler: InputScaler, height: number, width: number} | undefined} */
  preprocessing;
  frames = new FrameReader();

  /**
   * Handles one request of the page.
   *
   * @param {any} data the request; `kind` is the name of the method, the other members are its arguments.
   * @returns {Promise<Response>}
   * @throws {TypeError} there is no such request.
   */
  async handle(data) {
    if (!REQUESTS.includes(data.kind)) throw new TypeError(`unknown request '${data.kind}'`);
    return (await /** @type {any} */ (this)[data.kind](data)) ?? {message: {}};
  }

  /**
   * Loads the model and runs it once.
   *
   * @param {{canvas: OffscreenCanvas, build: 'threaded' | 'compat', threads: number}} data
   * @returns {Promise<Response>} `size`, the side of the model's input; `milliseconds`, the time that loading took.
   */
  async start({canvas, build, threads}) {
    const context = canvas.getContext('2d');
    if (!context) throw new UserError('Your browser provides no canvas to draw on.');
    this.screen = context;
    const began = performance.now();
    this.model = await MattingModel.load(new URL('./model.tflite', import.meta.url), build, threads);
    await this.model.run(new Uint8Array(3 * this.model.size ** 2)); // the first run is slower than all later ones
    return {message: {size: this.model.size, milliseconds: performance.now() - began}};
  }

  /**
   * Mattes a photo and shows the result.
   *
   * @param {{blob: Blob}} data
   * @returns {Promise<{message: MatteResult}>}
   */
  async mattePhoto({blob}) {
    const began = performance.now();
    return {message: await this.matte(await decode(blob), began)};
  }

  /**
   * Mattes a camera frame and shows the result.
   *
   * @param {{bitmap: ImageBitmap, mirrored: boolean}} data
   * @returns {Promise<{message: MatteResult}>}
   */
  async matteFrame({bitmap, mirrored}) {
    const began = performance.now();
    return {message: await this.matte(this.frames.read(bitmap, mirrored), began)};
  }

  /**
   * Changes the background and shows the current image with it.
   *
   * @param {{background: any}} data a `Background`, with the file (`blob`) of a background image instead of its pixels.
   */
  async setBackground({background}) {
    const blob = background.kind === 'image' ? background.blob : undefined;
    this.background = blob ? {kind: 'image', image: await decode(blob)} : background;
    if (this.preview) this.show();
  }

  /**
   * Mattes the current image again and again, without reading it again.
   *
   * @param {{runs: number}} data
   * @returns {Promise<{message: {timings: Timings[]}}>} one `Timings` per run
   */
  async measure({runs}) {
    if (!this.image) throw new UserError('There is no image to measure with. Choose a photo first.');
    /** @type {Timings[]} */
    const timings = [];
    for (let run = 0; run < runs; run++) timings.push(await this.compute(this.image, performance.now()));
    return {message: {timings}};
  }

  /**
   * Renders what is shown at the image's own size.
   *
   * @returns {Promise<{message: {blob: Blob}}>} a PNG file
   */
  async save() {
    const {image, modelAlpha} = this;
    if (!image || !modelAlpha) throw new UserError('There is no image to save. Choose a photo first.');
    const {height, width} = image;
    const pixels = this.createRenderer(image).render(image, modelAlpha, this.background);
    return {message: {blob: await encodePng(pixels, height, width)}};
  }

  /**
   * Makes an image the current one, computes its alpha and shows it.
   *
   * @param {Image} image
   * @param {number} began time at which reading the image began, in milliseconds (`performance.now`)
   * @returns {Promise<MatteResult>}
   */
  async matte(image, began) {
    const read = performance.now() - began;
    this.image = image;
    this.preview = shrinkToPreview(image);
    const timings = await this.compute(image, performance.now());
    return {width: image.width, height: image.height, timings: {...timings, read}};
  }

  /**
   * Computes the alpha of the current image and shows the image with it.
   *
   * @param {Image} image
   * @param {number} start time at which preprocessing began, in milliseconds
   * @returns {Promise<Timings>} `read` is 0.
   */
  async compute({pixels, height, width}, start) {
    const model = this.model;
    if (!model) throw new Error('the model is not loaded');
    if (this.preprocessing?.height !== height || this.preprocessing.width !== width) {
      this.preprocessing = {scaler: new InputScaler(height, width, model.size), height, width};
    }
    const input = new Uint8Array(3 * model.size ** 2);
    this.preprocessing.scaler.run(pixels, input);
    const preprocessed = performance.now();
    this.modelAlpha = await model.run(input);
    const inferred = performance.now();
    this.show();
    const network = inferred - preprocessed;
    return {read: 0, preprocess: preprocessed - start, network, composite: performance.now() - inferred};
  }

  /** Renders the preview on the page's canvas. */
  show() {
    const {preview, modelAlpha, screen} = this;
    if (!preview || !modelAlpha || !screen) return;
    const {height, width} = preview;
    if (this.renderer?.height !== height || this.renderer.width !== width) {
      this.renderer = this.createRenderer(preview);
    }
    if (screen.canvas.width !== width || screen.canvas.height !== height) {
      Object.assign(screen.canvas, {width, height});
    }
    const rendered = this.renderer.render(preview, modelAlpha, this.background);
    screen.putImageData(new ImageData(rendered, width, height), 0, 0);
  }

  /** @param {Image} image @returns {Renderer} for images of this size */
  createRenderer({height, width}) {
    if (!this.model) throw new Error('the model is not loaded');
    return new Renderer(height, width, this.model.size);
  }
}

/**
 * @param {Image} image
 * @returns {Image} the image, with at most PREVIEW_SIDE pixels per side
 */
function shrinkToPreview(image) {
  const {pixels, height, width} = image;
  if (Math.max(height, width) <= PREVIEW_SIDE) return image;
  const [h, w] = inscribe(height, width, PREVIEW_SIDE);
  const small = new Uint8ClampedArray(4 * h * w).fill(255);
  new Resampler(height, width, h, w, 3, 4, 4).run(pixels, 0, 4 * width, small, 0, 4 * w);
  return {pixels: small, height: h, width: w};
}
