package ai.mmnet.core;

import androidx.annotation.NonNull;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.util.Random;

/**
 * Measures the latency of one model in the whole pipeline: loading, the first run, warm-up runs, then the measured
 * runs. The frame is noise from a fixed seed, because no stage's time depends on the content of the frame.
 */
public final class Benchmark {
    /** The names of a run's stages, in their order. The last, {@code total}, is the sum of the others. */
    @NonNull public static final String[] STAGES = {"preprocess", "invoke", "postprocess", "total"};

    private static final int FRAME_HEIGHT = 480;
    private static final int FRAME_WIDTH = 640;
    private static final int DEGREES = 90; // the camera sensor of most phones is mounted sideways
    private static final double NANOS_PER_MILLISECOND = 1e6;

    /** Loads the model that is measured. */
    public interface Loader {
        /** Returns the loaded model. The time of this call is measured. */
        @NonNull
        AlphaModel load() throws Exception;
    }

    /** Receives the progress after every run, and may stop the benchmark. */
    public interface Listener {
        /**
         * Receives the progress.
         *
         * @param done how many runs are done.
         * @param all how many runs there are, with the first run and the warm-up.
         * @return false to stop the benchmark.
         */
        boolean onRun(int done, int all);
    }

    /** Thrown when the listener stops the benchmark. */
    public static final class StoppedException extends Exception {
        private static final long serialVersionUID = 1;

        StoppedException() {
            super("the benchmark was stopped before its end; keep the app open and the screen on");
        }
    }

    private final int warmups;
    private final int runs;
    private double loadMillis;
    private double firstMillis;
    private double[] warmupMillis;
    private double[][] millis; // [stage][run]

    /**
     * Prepares a benchmark.
     *
     * @param warmups the number of warm-up runs, at least 0; the first run comes before them.
     * @param runs the number of measured runs, at least 1.
     * @throws IllegalArgumentException a number is too small.
     */
    public Benchmark(int warmups, int runs) {
        if (warmups < 0 || runs < 1) {
            throw new IllegalArgumentException("the benchmark has " + runs + " runs and " + warmups
                    + " warm-up runs; it needs at least 1 and 0");
        }
        this.warmups = warmups;
        this.runs = runs;
    }

    /**
     * Runs the benchmark. The results can be read afterwards. The caller closes the model.
     *
     * @throws StoppedException the listener stopped the benchmark.
     */
    public void run(@NonNull Loader loader, @NonNull Listener listener) throws Exception {
        long start = System.nanoTime();
        AlphaModel model = loader.load();
        loadMillis = (System.nanoTime() - start) / NANOS_PER_MILLISECOND;

        Orientation orientation = new Orientation(FRAME_HEIGHT, FRAME_WIDTH, DEGREES, false);
        MattePipeline pipeline = new MattePipeline(orientation, model, Fit.STRETCH, Profile.FAST);
        YuvFrame frame = noiseFrame();
        int all = 1 + warmups + runs;
        pipeline.run(frame);
        firstMillis = totalMillis(pipeline);
        report(listener, 1, all);

        warmupMillis = new double[warmups];
        for (int i = 0; i < warmups; i++) {
            pipeline.run(frame);
            warmupMillis[i] = totalMillis(pipeline);
            report(listener, 2 + i, all);
        }
        millis = new double[STAGES.length][runs];
        for (int i = 0; i < runs; i++) {
            pipeline.run(frame);
            millis[0][i] = pipeline.preprocessNanos() / NANOS_PER_MILLISECOND;
            millis[1][i] = pipeline.invokeNanos() / NANOS_PER_MILLISECOND;
            millis[2][i] = pipeline.postprocessNanos() / NANOS_PER_MILLISECOND;
            millis[3][i] = totalMillis(pipeline);
            report(listener, 2 + warmups + i, all);
        }
    }

    /** Returns the statistics of a stage's measured runs; {@code stage} is an index of {@link #STAGES}. */
    @NonNull
    public LatencyStatistics statistics(int stage) {
        return new LatencyStatistics(millis[stage]);
    }

    /** Writes the results, from {@code frame} to {@code rounds_ms}, as members of the open JSON object. */
    public void writeTo(@NonNull JsonWriter json) {
        json.name("frame").value(FRAME_WIDTH + "x" + FRAME_HEIGHT + ", turned by " + DEGREES);
        json.name("load_ms").value(loadMillis);
        json.name("first_run_ms").value(firstMillis);
        json.name("warmup");
        if (warmups > 0) {
            new LatencyStatistics(warmupMillis).writeTo(json);
        } else {
            json.value(null);
        }
        json.name("stages").beginObject();
        for (int stage = 0; stage < STAGES.length; stage++) {
            json.name(STAGES[stage]);
            statistics(stage).writeTo(json);
        }
        json.endObject();
        json.name("rounds_ms").beginObject();
        for (int stage = 0; stage < STAGES.length; stage++) {
            json.name(STAGES[stage]);
            writeArray(json, millis[stage]);
        }
        json.endObject();
    }

    private static void writeArray(JsonWriter json, double[] values) {
        json.beginArray();
        for (double value : values) {
            json.value(value);
        }
        json.endArray();
    }

    private static void report(Listener listener, int done, int all) throws StoppedException {
        if (!listener.onRun(done, all)) {
            throw new StoppedException();
        }
    }

    private static double totalMillis(MattePipeline pipeline) {
        long nanos = pipeline.preprocessNanos() + pipeline.invokeNanos() + pipeline.postprocessNanos();
        return nanos / NANOS_PER_MILLISECOND;
    }

    private static YuvFrame noiseFrame() {
        Random random = new Random(2019);
        int chromaStride = FRAME_WIDTH;
        ByteBuffer luma = noise(random, FRAME_HEIGHT * FRAME_WIDTH);
        ByteBuffer v = noise(random, FRAME_HEIGHT / 2 * chromaStride);
        ByteBuffer u = v.duplicate();
        Buffer cursor = u; // see YuvFrame.Plane.readRow
        cursor.position(1);
        u = u.slice(); // NV21, the layout that most cameras give
        YuvFrame frame = new YuvFrame(FRAME_HEIGHT, FRAME_WIDTH);
        frame.set(luma, FRAME_WIDTH, 1, u, chromaStride, 2, v, chromaStride, 2);
        return frame;
    }

    private static ByteBuffer noise(Random random, int length) {
        byte[] bytes = new byte[length];
        random.nextBytes(bytes);
        ByteBuffer buffer = ByteBuffer.allocateDirect(length);
        buffer.put(bytes);
        return buffer;
    }
}
