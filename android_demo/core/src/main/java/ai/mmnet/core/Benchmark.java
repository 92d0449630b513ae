package ai.mmnet.core;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.util.Random;

/**
 * Measures one model in the whole pipeline: load, first run, warm-up, then the runs that count. The frame is noise of a
 * fixed seed: the time of none of the stages depends on what it shows.
 */
public final class Benchmark {
    /** The stages of a run, in their order; {@code total} is all of them. */
    public static final String[] STAGES = {"preprocess", "invoke", "postprocess", "total"};

    private static final int FRAME_HEIGHT = 480;
    private static final int FRAME_WIDTH = 640;
    private static final int DEGREES = 90; // most phones' sensors lie on their side
    private static final double NANOS_A_MILLISECOND = 1e6;

    /** Loads the model that is measured. */
    public interface Loader {
        AlphaModel load() throws Exception;
    }

    /** Hears how far it is, after every run; may be asked to stop. */
    public interface Listener {
        /** Returns false to end the benchmark. */
        boolean onRun(int done, int all);
    }

    /** The benchmark was asked to stop. */
    public static final class StoppedException extends Exception {
        private static final long serialVersionUID = 1;

        StoppedException() {
            super("stopped before its end; was the app left, or the screen turned off?");
        }
    }

    private final int warmups;
    private final int runs;
    private double loadMillis;
    private double firstMillis;
    private double[] warmupMillis;
    private double[][] millis; // of each stage, of each run

    /** Measures {@code runs} ≥ 1 runs after {@code warmups} ≥ 0. */
    public Benchmark(int warmups, int runs) {
        if (warmups < 0 || runs < 1) {
            throw new IllegalArgumentException(runs + " runs after " + warmups + " to warm up; at least 1 and 0");
        }
        this.warmups = warmups;
        this.runs = runs;
    }

    /** Measures; afterwards the results can be written. Closing the model is its owner's. */
    public void run(Loader loader, Listener listener) throws Exception {
        long start = System.nanoTime();
        AlphaModel model = loader.load();
        loadMillis = (System.nanoTime() - start) / NANOS_A_MILLISECOND;

        Orientation orientation = new Orientation(FRAME_HEIGHT, FRAME_WIDTH, DEGREES, false);
        MattePipeline pipeline = new MattePipeline(orientation, model, Fit.STRETCH);
        YuvFrame frame = noise();
        int all = 1 + warmups + runs;
        pipeline.run(frame);
        firstMillis = total(pipeline);
        report(listener, 1, all);

        warmupMillis = new double[warmups];
        for (int i = 0; i < warmups; i++) {
            pipeline.run(frame);
            warmupMillis[i] = total(pipeline);
            report(listener, 2 + i, all);
        }
        millis = new double[STAGES.length][runs];
        for (int i = 0; i < runs; i++) {
            pipeline.run(frame);
            millis[0][i] = pipeline.preprocessNanos() / NANOS_A_MILLISECOND;
            millis[1][i] = pipeline.invokeNanos() / NANOS_A_MILLISECOND;
            millis[2][i] = pipeline.postprocessNanos() / NANOS_A_MILLISECOND;
            millis[3][i] = total(pipeline);
            report(listener, 2 + warmups + i, all);
        }
    }

    /** Of a stage's runs that count. */
    public LatencyStatistics statistics(int stage) {
        return new LatencyStatistics(millis[stage]);
    }

    /** Writes the members {@code frame} … {@code rounds_ms} into the object that is open. */
    public void writeTo(JsonWriter json) {
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

    private static double total(MattePipeline pipeline) {
        long nanos = pipeline.preprocessNanos() + pipeline.invokeNanos() + pipeline.postprocessNanos();
        return nanos / NANOS_A_MILLISECOND;
    }

    private static YuvFrame noise() {
        Random random = new Random(2019);
        int chromaStride = FRAME_WIDTH;
        ByteBuffer luma = noise(random, FRAME_HEIGHT * FRAME_WIDTH);
        ByteBuffer v = noise(random, FRAME_HEIGHT / 2 * chromaStride);
        ByteBuffer u = v.duplicate();
        Buffer cursor = u; // see YuvFrame.Plane
        cursor.position(1);
        u = u.slice(); // NV21, what most cameras give
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
