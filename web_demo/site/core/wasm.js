/**
 * The core in C (runtime/core), compiled to WebAssembly, and its memory.
 *
 * @typedef {Uint8Array | Uint8ClampedArray} Bytes
 * @typedef {import('./fit.js').Placement} Placement
 */

const ALIGNMENT = 64;
const PAGE = 65536; // bytes by which memory grows
const STATUS = ['ok', 'a size is not allowed', 'an argument is not allowed', 'the arena is too small'];

/**
 * Compiles the core.
 *
 * @param {URL} [url] of the module
 * @param {(url: URL) => Promise<Response>} [load] fetches it.
 * @returns {Promise<WebAssembly.Module>} can be instantiated any number of times.
 * @throws {Error} the file cannot be loaded.
 */
export async function compileCore(url = new URL('./core.wasm', import.meta.url), load = fetch) {
  const response = await load(url);
  if (!response.ok) throw new Error(`${url.pathname} cannot be loaded (${response.status})`);
  return WebAssembly.compile(await response.arrayBuffer());
}

/**
 * One instance of the core, with memory of its own. What is reserved in it lives as long as the instance; memory that a
 * single call needs is used again by the next call.
 */
export class Core {
  /** @param {WebAssembly.Module} module */
  constructor(module) {
    /** @type {any} */
    this.exports = new WebAssembly.Instance(module).exports;
    this.end = align(this.exports.__heap_base.value);
  }

  /**
   * Reserves memory for good.
   *
   * @param {number} size in bytes
   * @returns {number} its address
   * @throws {RangeError} the browser has no memory left.
   */
  reserve(size) {
    const address = this.end;
    this.ensure(address + size);
    this.end = align(address + size);
    return address;
  }

  /**
   * Enlarges the memory where it is smaller than needed.
   *
   * @param {number} size in bytes
   * @throws {RangeError} the browser has no memory left.
   */
  ensure(size) {
    const lacking = size - this.exports.memory.buffer.byteLength;
    if (lacking > 0) this.exports.memory.grow(Math.ceil(lacking / PAGE));
  }

  /**
   * Returns a view of bytes in memory. It is valid until memory is reserved, or a stage is run.
   *
   * @param {number} address
   * @param {number} size in bytes
   */
  view(address, size) {
    return new Uint8Array(this.exports.memory.buffer, address, size);
  }

  /**
   * Calls a function of the core.
   *
   * @param {string} name without the prefix `mmnet_`
   * @param {number[]} values its arguments; addresses stand for arrays.
   * @throws {Error} the core refuses an argument.
   */
  call(name, ...values) {
    const status = this.exports[`mmnet_${name}`](...values);
    if (status !== 0) throw new Error(`mmnet_${name}: ${STATUS[status] ?? status}`);
  }

  /**
   * Calls a function that needs an arena, which is its last argument.
   *
   * @param {string} name without the prefix `mmnet_`
   * @param {number[]} sizes the arguments of the function that returns the arena's size
   * @param {number[]} values the arguments of the function, without the arena and its size
   */
  run(name, sizes, values) {
    const size = this.exports[`mmnet_${name}_arena`](...sizes);
    this.ensure(this.end + size);
    this.call(name, ...values, this.end, size);
  }

  /**
   * Writes a placement.
   *
   * @param {number} address of 32 bytes
   * @param {Placement} placement
   */
  writePlacement(address, {seen, filled}) {
    const values = [seen, filled].flatMap(({top, left, height, width}) => [top, left, height, width]);
    new Int32Array(this.exports.memory.buffer, address, 8).set(values);
  }
}

/** @param {number} address @returns {number} the next aligned address */
function align(address) {
  return Math.ceil(address / ALIGNMENT) * ALIGNMENT;
}
