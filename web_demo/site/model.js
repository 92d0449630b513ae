/**
 * Running of the matting model (.tflite) with LiteRT.js. The model's input and output are those of the Python runtime's
 * `MattingModel`.
 */

import {UserError} from './errors.js';
import {loadAndCompile, loadLiteRt, Tensor} from './litert/index.js';

/** One compiled model: a square RGB image in, its alpha out. */
export class MattingModel {
  /**
   * @param {any} compiled a `CompiledModel` of LiteRT.js
   * @throws {UserError} its input is not [1, size, size, 3] or its output not [1, size, size, 1], in uint8 or float32.
   */
  constructor(compiled) {
    this.compiled = compiled;
    const [input, output] = [compiled.getInputDetails()[0], compiled.getOutputDetails()[0]];
    /** The side of the input and of the alpha, in pixels. */
    this.size = /** @type {number} */ (input.shape[1]);
    this.shape = [1, this.size, this.size, 3];
    const described = `${input.dtype} [${input.shape}] → ${output.dtype} [${output.shape}]`;
    const shapes = `${[...input.shape]} → ${[...output.shape]}`;
    const fits = shapes === `${this.shape} → 1,${this.size},${this.size},1`;
    if (!fits || ![input.dtype, output.dtype].every((dtype) => ['uint8', 'float32'].includes(dtype))) {
      throw new UserError(`The model is not a matting model (${described}). Serve another one with --model.`);
    }
    this.hasFloatInput = input.dtype === 'float32';
  }

  /**
   * Loads LiteRT.js and a model.
   *
   * @param {URL} url of the .tflite file
   * @param {'threaded' | 'compat'} build of LiteRT.js, see `chooseBuild`
   * @param {number} threads number of threads, >= 1
   * @returns {Promise<MattingModel>}
   * @throws {UserError} the file cannot be fetched, or is not a matting model.
   */
  static async load(url, build, threads) {
    const folder = new URL('./litert/', import.meta.url);
    const script = new URL(`${build}.js`, folder).href;
    // By default, Emscripten looks for its files beside the running script, which is the worker.
    Object.assign(self, {
      Module: {
        mainScriptUrlOrBlob: script,
        locateFile: (/** @type {string} */ name) => new URL(name, folder).href,
        printErr: logLine,
      },
    });
    await loadLiteRt(script);
    const response = await fetch(url);
    if (!response.ok) {
      throw new UserError(`The model could not be loaded (HTTP status ${response.status}). Reload the page.`);
    }
    const bytes = new Uint8Array(await response.arrayBuffer());
    return new MattingModel(await loadAndCompile(bytes, {accelerator: 'wasm', cpuOptions: {numThreads: threads}}));
  }

  /**
   * Returns the alpha of one image.
   *
   * @param {Uint8Array} input 3 · size · size bytes, RGB.
   * @returns {Promise<Uint8Array>} size · size bytes, 0-255; 255 is the person.
   */
  async run(input) {
    const values = this.hasFloatInput ? Float32Array.from(input, (byte) => byte / 255) : input;
    const tensor = new Tensor(values, this.shape);
    const [output] = await this.compiled.run([tensor]);
    const alpha = await output.data();
    tensor.delete();
    output.delete();
    return alpha instanceof Uint8Array ? alpha : Uint8Array.from(alpha, (value) => toByte(Math.fround(value * 255)));
  }
}

/**
 * Logs one line of LiteRT's error stream, which carries information as well as errors.
 *
 * @param {string} line
 */
function logLine(line) {
  if (/^(INFO|WARNING|VERBOSE):/.test(line)) console.debug(line);
  else console.error(line);
}

/**
 * Rounds to the nearest byte, ties to even, as NumPy's `rint` does.
 *
 * @param {number} value
 * @returns {number} 0-255
 */
function toByte(value) {
  const rounded = Math.round(value);
  const byte = rounded - value === 0.5 && rounded % 2 ? rounded - 1 : rounded;
  return Math.min(Math.max(byte, 0), 255);
}
