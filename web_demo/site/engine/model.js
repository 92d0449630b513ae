/**
 * Running of the matting model (.tflite) with LiteRT.js. The model's input and output are those of the Python runtime's
 * `MattingModel`.
 *
 * @typedef {(instance: WebAssembly.Instance, module: WebAssembly.Module) => void} Instantiated
 */

import {UserError} from './errors.js';
import {loadAndCompile, loadLiteRt, Tensor} from '../litert/index.js';

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
      throw new UserError(`The model is not a matting model (${described}). Use one that mmnet export wrote.`);
    }
    this.hasFloatInput = input.dtype === 'float32';
  }

  /**
   * Compiles a model. LiteRT.js must be loaded.
   *
   * @param {Uint8Array} bytes of the .tflite file
   * @param {number} threads number of threads, >= 1
   * @returns {Promise<MattingModel>}
   * @throws {UserError} the bytes are not those of a matting model.
   */
  static async compile(bytes, threads) {
    if (!isTflite(bytes)) throw new UserError('This is not a .tflite file. Choose one that mmnet export wrote.');
    let compiled;
    try {
      compiled = await loadAndCompile(bytes, {accelerator: 'wasm', cpuOptions: {numThreads: threads}});
    } catch (error) {
      throw new UserError(`LiteRT.js cannot run this model (${error instanceof Error ? error.message : error}).`);
    }
    try {
      return new MattingModel(compiled);
    } catch (error) {
      compiled.delete();
      throw error;
    }
  }

  /** Frees the memory of the model, which must not be run any more. */
  delete() {
    this.compiled.delete();
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
 * Whether a file is a .tflite, by the identifier of its FlatBuffer.
 *
 * @param {Uint8Array} bytes
 * @returns {boolean}
 */
export function isTflite(bytes) {
  return [0x54, 0x46, 0x4c, 0x33].every((letter, index) => bytes[4 + index] === letter); // TFL3
}

const LITERT = new URL('../litert/', import.meta.url);

/** LiteRT.js, once it is asked for: it cannot be loaded twice. @type {Promise<unknown> | undefined} */
let runtime;

/**
 * Loads LiteRT.js, if it is not loaded yet. Models can be compiled afterwards.
 *
 * @param {'threaded' | 'compat'} build of LiteRT.js, see `chooseBuild`
 * @param {object} [options]
 * @param {URL} [options.folder] that holds the files of LiteRT.js
 * @param {boolean} [options.quiet] whether LiteRT's lines of information are dropped, not logged.
 * @param {import('./loading.js').Load} [options.load] fetches the WebAssembly, instead of LiteRT.js itself.
 */
export async function loadRuntime(build, {folder = LITERT, quiet = false, load} = {}) {
  const script = new URL(`${build}.js`, folder).href;
  if (!runtime) {
    /** Settles only if the WebAssembly cannot be loaded: Emscripten would wait for it for ever. */
    const failed = new Promise((_, reject) => {
      // By default, Emscripten looks for its files beside the running script, which is the worker.
      const module = {
        mainScriptUrlOrBlob: script,
        locateFile: (/** @type {string} */ name) => new URL(name, folder).href,
        printErr: (/** @type {string} */ line) => logLine(line, quiet),
      };
      const instantiate = (/** @type {WebAssembly.Imports} */ imports, /** @type {Instantiated} */ use) => {
        const file = new URL(wasmName(build), folder);
        load?.(file)
          .then((response) => WebAssembly.instantiateStreaming(response, imports))
          .then(({instance, module}) => use(instance, module))
          .catch(reject);
        return {}; // the instance follows
      };
      Object.assign(self, {Module: load ? {...module, instantiateWasm: instantiate} : module});
    });
    runtime = Promise.race([loadLiteRt(script), failed]);
  }
  await runtime;
}

/** @param {string} build of LiteRT.js @returns {string} name of its WebAssembly */
export function wasmName(build) {
  return `litert_wasm_${build}_internal.wasm`;
}

/**
 * Logs one line of LiteRT's error stream, which carries information as well as errors.
 *
 * @param {string} line
 * @param {boolean} quiet
 */
function logLine(line, quiet) {
  if (!/^(INFO|WARNING|VERBOSE):/.test(line)) console.error(line);
  else if (!quiet) console.debug(line);
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
