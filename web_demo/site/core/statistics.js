/**
 * What many measurements of one duration say, with NumPy's definitions, as `mmnet benchmark` has them.
 *
 * @typedef {{runs: number, min_ms: number, median_ms: number, p90_ms: number, p95_ms: number, max_ms: number,
 *   mean_ms: number, iqr_ms: number}} Statistics
 */

/**
 * @param {readonly number[]} milliseconds at least one, in any order.
 * @returns {Statistics}
 */
export function statistics(milliseconds) {
  if (milliseconds.length === 0) throw new RangeError('no measurements');
  const sorted = Float64Array.from(milliseconds).sort();
  const at = (/** @type {number} */ percent) => percentile(sorted, percent);
  return {
    runs: sorted.length,
    min_ms: sorted[0],
    median_ms: at(50),
    p90_ms: at(90),
    p95_ms: at(95),
    max_ms: sorted[sorted.length - 1],
    mean_ms: sorted.reduce((sum, value) => sum + value, 0) / sorted.length,
    iqr_ms: at(75) - at(25),
  };
}

/**
 * The value below which `percent` (0–100) of the measurements lie, linearly between two of them.
 *
 * @param {Float64Array} sorted
 * @param {number} percent
 */
export function percentile(sorted, percent) {
  const position = (percent / 100) * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
}
