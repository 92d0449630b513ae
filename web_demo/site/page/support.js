/** Detection of what the browser supports. */

/** A WebAssembly module with one relaxed SIMD instruction. */
const RELAXED_SIMD = Uint8Array.of(
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15,
  253, 128, 2, 11,
);
/** A WebAssembly module with one ordinary SIMD instruction. */
const SIMD = Uint8Array.of(
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 1, 253, 15, 11,
);
const MAX_THREADS = 4; // the network is small: more threads make the device hotter, not the network faster

/**
 * Returns the features that the page needs and this browser lacks.
 *
 * @returns {string[]} their names; empty if the browser has all of them.
 */
export function missingFeatures() {
  /** @type {[string, () => unknown][]} */
  const needed = [
    ['WebAssembly', () => WebAssembly.validate],
    ['WebAssembly SIMD', () => WebAssembly.validate(SIMD)],
    ['workers', () => Worker],
    ['OffscreenCanvas', () => OffscreenCanvas && HTMLCanvasElement.prototype.transferControlToOffscreen],
    ['createImageBitmap', () => createImageBitmap],
    ['CompressionStream', () => CompressionStream],
  ];
  return needed.filter(([, probe]) => !succeeds(probe)).map(([name]) => name);
}

/**
 * Returns the build of LiteRT.js to run here. The build with threads needs relaxed SIMD and a page that its server's
 * headers isolate from other origins.
 *
 * @returns {'threaded' | 'compat'}
 */
export function chooseBuild() {
  return self.crossOriginIsolated && WebAssembly.validate(RELAXED_SIMD) ? 'threaded' : 'compat';
}

/**
 * Returns the number of threads to run the network with: one per processor, at most four.
 *
 * @returns {number}
 */
export function chooseThreads() {
  return chooseBuild() === 'threaded' ? Math.min(MAX_THREADS, navigator.hardwareConcurrency || 1) : 1;
}

/** @param {() => unknown} probe @returns {boolean} whether it returns something, and throws nothing */
function succeeds(probe) {
  try {
    return Boolean(probe());
  } catch {
    return false; // the name is not defined
  }
}
