/** The .tflite in LiteRT.js: RGB square in, alpha square out, the contract of the Python runtime's `MattingModel`. */

import {loadAndCompile, loadLiteRt, Tensor} from './litert/index.js';

/** What the person at the page can mend or understand; anything else is a defect of ours. */
export class ExpectedError extends Error {
  expected = true;
}

/** One model, compiled. */
export class MattingModel {
  /** @param {any} compiled LiteRT's */
  constructor(compiled) {
    this.compiled = compiled;
    const [input, output] = [compiled.getInputDetails()[0], compiled.getOutputDetails()[0]];
    /** The side of its input and of its alpha, in pixels. */
    this.size = /** @type {number} */ (input.shape[1]);
    this.shape = [1, this.size, this.size, 3];
    const found = `${input.dtype} [${input.shape}] → ${output.dtype} [${output.shape}]`;
    const fits = `${[...input.shape]}` === `${this.shape}` && `${[...output.shape]}` === `1,${this.size},${this.size},1`;
    if (!fits || ![input.dtype, output.dtype].every((dtype) => ['uint8', 'float32'].includes(dtype))) {
      throw new ExpectedError(`This is not a matting model: ${found}.`);
    }
    this.takesFloats = input.dtype === 'float32';
  }

  /**
   * @param {URL} url of the .tflite
   * @param {'threaded' | 'compat'} build of LiteRT.js, see `chooseBuild`
   * @param {number} threads
   * @returns {Promise<MattingModel>}
   */
  static async load(url, build, threads) {
    const folder = new URL('./litert/', import.meta.url);
    const script = new URL(`${build}.js`, folder).href;
    // Emscripten looks for its files beside the script that runs, which here is the worker.
    Object.assign(self, {
      Module: {
        mainScriptUrlOrBlob: script,
        locateFile: (/** @type {string} */ name) => new URL(name, folder).href,
        printErr: report,
      },
    });
    await loadLiteRt(script);
    const response = await fetch(url);
    if (!response.ok) throw new ExpectedError(`The model could not be loaded (${response.status}).`);
    const bytes = new Uint8Array(await response.arrayBuffer());
    return new MattingModel(await loadAndCompile(bytes, {accelerator: 'wasm', cpuOptions: {numThreads: threads}}));
  }

  /**
   * @param {Uint8Array} input 3 · size · size bytes, R, G, B.
   * @returns {Promise<Uint8Array>} size · size bytes, 255 = the person.
   */
  async run(input) {
    const tensor = new Tensor(this.takesFloats ? Float32Array.from(input, (byte) => byte / 255) : input, this.shape);
    const [output] = await this.compiled.run([tensor]);
    const alpha = await output.data();
    tensor.delete();
    output.delete();
    return alpha instanceof Uint8Array ? alpha : Uint8Array.from(alpha, (value) => nearest(Math.fround(value * 255)));
  }
}

/**
 * What LiteRT writes to its error stream, most of which is news.
 *
 * @param {string} line
 */
function report(line) {
  if (/^(INFO|WARNING|VERBOSE):/.test(line)) console.debug(line);
  else console.error(line);
}

/**
 * To the nearest byte, ties to even, as NumPy's rint.
 *
 * @param {number} value
 */
function nearest(value) {
  const rounded = Math.round(value);
  const byte = rounded - value === 0.5 && rounded % 2 ? rounded - 1 : rounded;
  return Math.min(Math.max(byte, 0), 255);
}
