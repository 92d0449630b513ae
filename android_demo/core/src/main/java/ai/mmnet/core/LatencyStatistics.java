package ai.mmnet.core;

import androidx.annotation.NonNull;
import java.util.Arrays;

/** The statistics of repeated measurements of one duration, in milliseconds, with NumPy's definitions. */
public final class LatencyStatistics {
    private final double[] sorted;
    private final double mean;

    /**
     * Computes the statistics.
     *
     * @param milliseconds at least one measurement, in any order; the array is copied.
     * @throws IllegalArgumentException there are no measurements.
     */
    public LatencyStatistics(@NonNull double[] milliseconds) {
        if (milliseconds.length == 0) {
            throw new IllegalArgumentException("there are no measurements; statistics need at least one");
        }
        sorted = milliseconds.clone();
        Arrays.sort(sorted);
        double sum = 0;
        for (double value : sorted) {
            sum += value;
        }
        mean = sum / sorted.length;
    }

    /** Returns the number of measurements. */
    public int count() {
        return sorted.length;
    }

    /** Returns the smallest measurement. */
    public double min() {
        return sorted[0];
    }

    /** Returns the largest measurement. */
    public double max() {
        return sorted[sorted.length - 1];
    }

    /** Returns the arithmetic mean. */
    public double mean() {
        return mean;
    }

    /** Returns the interquartile range: percentile 75 minus percentile 25. */
    public double interquartileRange() {
        return percentile(75) - percentile(25);
    }

    /** Returns the median: percentile 50. */
    public double median() {
        return percentile(50);
    }

    /**
     * Returns a percentile, interpolated linearly between two measurements as {@code numpy.percentile} does.
     *
     * @param percent 0 to 100.
     * @throws IllegalArgumentException {@code percent} is outside 0 to 100.
     */
    public double percentile(double percent) {
        if (!(percent >= 0 && percent <= 100)) {
            throw new IllegalArgumentException("the percentile is " + percent + "; it must be 0 to 100");
        }
        double position = percent / 100 * (sorted.length - 1);
        int below = (int) position;
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
    }

    /** Writes a JSON object with the members that {@code mmnet benchmark} writes: {@code {"runs": …, …}}. */
    public void writeTo(@NonNull JsonWriter json) {
        json.beginObject();
        json.name("runs").value(count());
        json.name("min_ms").value(min());
        json.name("median_ms").value(median());
        json.name("p90_ms").value(percentile(90));
        json.name("p95_ms").value(percentile(95));
        json.name("max_ms").value(max());
        json.name("mean_ms").value(mean());
        json.name("iqr_ms").value(interquartileRange());
        json.endObject();
    }
}
