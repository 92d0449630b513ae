package org.mmnet.core;

import java.util.Arrays;

/** What many measurements of one duration say, with NumPy's definitions. */
public final class LatencyStatistics {
    private final double[] sorted;
    private final double mean;
    private final double deviation;

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
        double squares = 0;
        for (double value : sorted) {
            squares += (value - mean) * (value - mean);
        }
        deviation = sorted.length > 1 ? Math.sqrt(squares / (sorted.length - 1)) : Double.NaN;
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

    /** The sample standard deviation (n − 1); NaN of one measurement. */
    public double deviation() {
        return deviation;
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

    /** Writes {@code {"count": …, "min": …, …}}. */
    public void writeTo(JsonWriter json) {
        json.beginObject();
        json.name("count").value(count());
        json.name("min").value(min());
        json.name("median").value(median());
        json.name("mean").value(mean());
        json.name("p90").value(percentile(90));
        json.name("p95").value(percentile(95));
        json.name("max").value(max());
        json.name("deviation").value(deviation());
        json.endObject();
    }
}
