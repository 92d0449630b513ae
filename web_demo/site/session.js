/**
 * What the worker knows: the model, the picture, its alpha, the background; and what it does when the page asks.
 *
 * @typedef {import('./pictures.js').Picture} Picture
 * @typedef {import('./painter.js').Background} Background
 * @typedef {{read: number, preprocess: number, network: number, composite: number}} Timings in milliseconds
 * @typedef {{message: object, transfer?: Transferable[]}} Answer
 */

import {inscribe} from './core/fit.js';
import {encodePng} from './core/png.js';
import {InputMaker} from './core/preprocess.js';
import {Resampler} from './core/resample.js';
import {ExpectedError, MattingModel} from './model.js';
import {Painter} from './painter.js';
import {decode, FrameReader} from './pictures.js';

const SHOWN_SIDE = 2048; // the longer side of what is on the screen; what is saved has the picture's own size

/** One page's. */
export class Session {
  /** @type {Background} */
  background = {kind: 'transparent'};
  /** @type {Picture | undefined} */
  picture;
  /** The picture as large as it is shown. @type {Picture | undefined} */
  shown;
  /** The model's. @type {Uint8Array | undefined} */
  alpha;
  /** @type {Painter | undefined} */
  painter;
  /** @type {{maker: InputMaker, height: number, width: number} | undefined} */
  input;
  frames = new FrameReader();

  /**
   * @param {any} data a message of the page; its `kind` is the method that answers.
   * @returns {Promise<Answer>}
   */
  async handle(data) {
    const kinds = ['start', 'photo', 'frame', 'setBackground', 'measure', 'save'];
    if (!kinds.includes(data.kind)) throw new TypeError(`no such message: ${data.kind}`);
    return (await /** @type {any} */ (this)[data.kind](data)) ?? {message: {}};
  }

  /** @param {{canvas: OffscreenCanvas, build: 'threaded' | 'compat', threads: number}} data */
  async start({canvas, build, threads}) {
    const context = canvas.getContext('2d');
    if (!context) throw new ExpectedError('Your browser gives no canvas to draw on.');
    this.screen = context;
    const began = performance.now();
    this.model = await MattingModel.load(new URL('./model.tflite', import.meta.url), build, threads);
    await this.model.run(new Uint8Array(3 * this.model.size ** 2)); // the first run is slower than all others
    return {message: {size: this.model.size, milliseconds: performance.now() - began}};
  }

  /** @param {{blob: Blob}} data */
  async photo({blob}) {
    const began = performance.now();
    return {message: await this.matte(await decode(blob), began)};
  }

  /** @param {{bitmap: ImageBitmap, mirrored: boolean}} data */
  async frame({bitmap, mirrored}) {
    const began = performance.now();
    return {message: await this.matte(this.frames.read(bitmap, mirrored), began)};
  }

  /** @param {{background: any}} data a Background; its picture is a Blob. */
  async setBackground({background}) {
    const blob = background.kind === 'picture' ? background.blob : undefined;
    this.background = blob ? {kind: 'picture', picture: await decode(blob)} : background;
    if (this.shown) this.show();
  }

  /** Computes the alpha of the picture again and again. @param {{runs: number}} data */
  async measure({runs}) {
    if (!this.picture) throw new ExpectedError('There is no picture to measure with.');
    /** @type {Timings[]} */
    const timings = [];
    for (let run = 0; run < runs; run++) timings.push(await this.compute(this.picture, performance.now()));
    return {message: {timings}};
  }

  /** What is shown, at the picture's own size, as a PNG. */
  async save() {
    const {picture, alpha} = this;
    if (!picture || !alpha) throw new ExpectedError('There is no picture to save.');
    const {height, width} = picture;
    const pixels = this.painterFor(picture).paint(picture, alpha, this.background);
    return {message: {blob: await encodePng(pixels, height, width)}};
  }

  /**
   * @param {Picture} picture
   * @param {number} began when its reading did
   */
  async matte(picture, began) {
    const read = performance.now() - began;
    this.picture = picture;
    this.shown = shrink(picture);
    const timings = await this.compute(picture, performance.now());
    return {width: picture.width, height: picture.height, timings: {...timings, read}};
  }

  /**
   * @param {Picture} picture
   * @param {number} start
   * @returns {Promise<Timings>}
   */
  async compute({pixels, height, width}, start) {
    const model = this.model;
    if (!model) throw new Error('the model is not loaded');
    if (this.input?.height !== height || this.input.width !== width) {
      this.input = {maker: new InputMaker(height, width, model.size), height, width};
    }
    const input = new Uint8Array(3 * model.size ** 2);
    this.input.maker.run(pixels, input);
    const prepared = performance.now();
    this.alpha = await model.run(input);
    const inferred = performance.now();
    this.show();
    const network = inferred - prepared;
    return {read: 0, preprocess: prepared - start, network, composite: performance.now() - inferred};
  }

  show() {
    const {shown, alpha, screen} = this;
    if (!shown || !alpha || !screen) return;
    const {height, width} = shown;
    if (this.painter?.height !== height || this.painter.width !== width) {
      this.painter = this.painterFor(shown);
    }
    if (screen.canvas.width !== width || screen.canvas.height !== height) {
      Object.assign(screen.canvas, {width, height});
    }
    screen.putImageData(new ImageData(this.painter.paint(shown, alpha, this.background), width, height), 0, 0);
  }

  /** @param {Picture} picture */
  painterFor({height, width}) {
    if (!this.model) throw new Error('the model is not loaded');
    return new Painter(height, width, this.model.size);
  }
}

/**
 * @param {Picture} picture
 * @returns {Picture} no larger than the screen can use
 */
function shrink(picture) {
  const {pixels, height, width} = picture;
  if (Math.max(height, width) <= SHOWN_SIDE) return picture;
  const [h, w] = inscribe(height, width, SHOWN_SIDE);
  const small = new Uint8ClampedArray(4 * h * w).fill(255);
  new Resampler(height, width, h, w, 3, 4, 4).run(pixels, 0, 4 * width, small, 0, 4 * w);
  return {pixels: small, height: h, width: w};
}
