package ai.mmnet.core;

import java.util.Arrays;

/** What many measurements of one duration say, with NumPy's definitions. */
public final class LatencyStatistics {
    private final double[] sorted;
    private final double mean;

    /** Of at least one measurement, in milliseconds, in any order; they are copied. */
    public LatencyStatistics(double[] milliseconds) {
        if (milliseconds.length == 0) {
            throw new IllegalArgumentException("no measurements");
        }
        sorted = milliseconds.clone();
        Arrays.sort(sorted);
        double sum = 0;
        for (double value : sorted) {
            sum += value;
        }
        mean = sum / sorted.length;
    }

    public int count() {
        return sorted.length;
    }

    public double min() {
        return sorted[0];
    }

    public double max() {
        return sorted[sorted.length - 1];
    }

    public double mean() {
        return mean;
    }

    /** The interquartile range: the spread. */
    public double interquartileRange() {
        return percentile(75) - percentile(25);
    }

    public double median() {
        return percentile(50);
    }

    /** The value below which {@code percent} (0–100) of the measurements lie, linearly between two of them. */
    public double percentile(double percent) {
        if (!(percent >= 0 && percent <= 100)) {
            throw new IllegalArgumentException("no such percentile: " + percent);
        }
        double position = percent / 100 * (sorted.length - 1);
        int below = (int) position;
        int above = Math.min(below + 1, sorted.length - 1);
        return sorted[below] + (position - below) * (sorted[above] - sorted[below]);
    }

    /** Writes {@code {"runs": …, "min_ms": …, …}}, the members that {@code mmnet benchmark} has, too. */
    public void writeTo(JsonWriter json) {
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
