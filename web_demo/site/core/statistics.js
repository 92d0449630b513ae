/**
 * Statistics of repeated measurements of one duration. The names and definitions are those of `mmnet benchmark`;
 * percentiles are NumPy's (linear interpolation).
 *
 * @typedef {{runs: number, min_ms: number, median_ms: number, p90_ms: number, p95_ms: number, max_ms: number,
 *   mean_ms: number, iqr_ms: number}} Statistics
 */

/**
 * Returns the statistics of a list of durations.
 *
 * @param {readonly number[]} milliseconds at least one duration, in any order.
 * @returns {Statistics}
 * @throws {RangeError} the list is empty.
 */
export function statistics(milliseconds) {
  if (milliseconds.length === 0) throw new RangeError('statistics need at least one measurement');
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
 * Returns the value below which `percent` of the measurements lie, interpolated linearly between two measurements.
 *
 * @param {Float64Array} sorted at least one measurement, in ascending order.
 * @param {number} percent 0-100
 * @returns {number}
 */
export function percentile(sorted, percent) {
  const position = (percent / 100) * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
}
