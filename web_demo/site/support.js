/** What this browser can do. */

/** A function with one relaxed SIMD instruction, as bytes of WebAssembly. */
const RELAXED_SIMD = Uint8Array.of(
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253,
  128, 2, 11,
);
/** The same with one ordinary SIMD instruction. */
const SIMD = Uint8Array.of(
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 1, 253, 15, 11,
);

/**
 * What the page needs and this browser has not.
 *
 * @returns {string[]} empty where everything is there.
 */
export function missing() {
  /** @type {[string, () => unknown][]} */
  const needed = [
    ['WebAssembly', () => WebAssembly.validate],
    ['WebAssembly SIMD', () => WebAssembly.validate(SIMD)],
    ['workers', () => Worker],
    ['OffscreenCanvas', () => OffscreenCanvas && HTMLCanvasElement.prototype.transferControlToOffscreen],
    ['createImageBitmap', () => createImageBitmap],
    ['CompressionStream', () => CompressionStream],
  ];
  return needed.filter(([, has]) => !attempt(has)).map(([name]) => name);
}

/**
 * Which build of LiteRT.js runs here: with threads where the page is isolated (by its server's headers).
 *
 * @returns {'threaded' | 'compat'}
 */
export function chooseBuild() {
  return self.crossOriginIsolated && WebAssembly.validate(RELAXED_SIMD) ? 'threaded' : 'compat';
}

/** The network is small: beyond four threads it only gets hotter. */
export function chooseThreads() {
  return chooseBuild() === 'threaded' ? Math.min(4, navigator.hardwareConcurrency || 1) : 1;
}

/** @param {() => unknown} has */
function attempt(has) {
  try {
    return Boolean(has());
  } catch {
    return false; // a name that does not exist
  }
}
