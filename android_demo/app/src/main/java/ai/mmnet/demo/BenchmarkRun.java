package ai.mmnet.demo;

import android.content.Context;
import android.util.Log;
import java.io.File;
import java.io.IOException;
import java.nio.charset.Charset;
import java.text.SimpleDateFormat;
import java.util.Date;
import java.util.Locale;
import java.util.TimeZone;
import ai.mmnet.core.AlphaModel;
import ai.mmnet.core.Benchmark;
import ai.mmnet.core.JsonWriter;
import ai.mmnet.core.LatencyStatistics;
import ai.mmnet.matting.Accelerator;
import ai.mmnet.matting.Matting;
import ai.mmnet.matting.MattingException;
import ai.mmnet.matting.MattingOptions;

/**
 * A benchmark of one model on its own thread. Whether it succeeds or fails, it writes one JSON file to the app's
 * external folder, and then one line to the log, for a program that waits for the result:
 *
 * <pre>
 * I MMNetBenchmark: MMNET_BENCHMARK_DONE FILE PATH
 * E MMNetBenchmark: MMNET_BENCHMARK_FAILED FILE message
 * </pre>
 */
final class BenchmarkRun extends Thread {
    static final int DEFAULT_RUNS = 100;
    static final int DEFAULT_WARMUPS = 10;
    static final int DEFAULT_THREADS = 1;

    private static final String FORMAT = "mmnet-android-benchmark/1";
    private static final String TAG = "MMNetBenchmark";
    private static final int MAX_RUNS = 100000;
    private static final int MAX_THREADS = 64;

    /** Receives the progress and the result. It is called on the benchmark's thread. */
    interface Listener {
        /** Receives how many runs are done, and how many there are. */
        void onProgress(BenchmarkRun from, int done, int all);

        /** Receives a text for the user at the end: the result, or why the benchmark failed. */
        void onEnd(BenchmarkRun from, String text);
    }

    /** The settings of a benchmark. */
    static final class Settings {
        final String model; // null for the model that is chosen in the app
        final int runs;
        final int warmups;
        final int threads;
        final String accelerator;
        final String out;

        /**
         * Describes a benchmark.
         *
         * @param model a name for {@link ModelStore#read(String)}; null for the model that is chosen in the app.
         * @param runs the number of measured runs.
         * @param warmups the number of warm-up runs; the first run comes before them.
         * @param threads the number of LiteRT's threads.
         * @param accelerator "gpu" or "npu"; null or another word for the CPU.
         * @param out the name of the result file; its folder is ignored; null or empty for a new name.
         */
        Settings(String model, int runs, int warmups, int threads, String accelerator, String out) {
            this.model = model;
            this.runs = runs;
            this.warmups = warmups;
            this.threads = threads;
            this.accelerator = accelerator;
            this.out = out == null || out.isEmpty() ? "benchmark-" + System.currentTimeMillis() + ".json"
                    : new File(out).getName();
        }

        /** Returns what is to run the network. */
        Accelerator wanted() {
            return "gpu".equals(accelerator) ? Accelerator.GPU
                    : "npu".equals(accelerator) ? Accelerator.NPU : Accelerator.CPU;
        }
    }

    private final Context context;
    private final Settings settings;
    private final Listener listener;
    private volatile boolean stopped;

    BenchmarkRun(Context context, Settings settings, Listener listener) {
        super("benchmark");
        this.context = context;
        this.settings = settings;
        this.listener = listener;
    }

    /** Stops the benchmark after the current run. */
    void stopSoon() {
        stopped = true;
    }

    @Override
    public void run() {
        try {
            String text = measure();
            Log.i(TAG, "MMNET_BENCHMARK_DONE " + settings.out + " " + resultFile().getPath());
            listener.onEnd(this, text + "\n" + resultFile().getPath());
        } catch (OutOfMemoryError error) {
            fail(context.getString(R.string.out_of_memory));
        } catch (Exception error) { // all of them, because a program may wait for the line in the log
            fail(error.getMessage() == null ? error.toString() : error.getMessage());
        }
    }

    /** Runs the benchmark and writes its result; returns a table for the user. */
    private String measure() throws Exception {
        if (settings.runs < 1 || settings.runs > MAX_RUNS || settings.warmups < 0 || settings.warmups > MAX_RUNS
                || settings.threads < 1 || settings.threads > MAX_THREADS) {
            throw new IllegalArgumentException("runs must be 1 to " + MAX_RUNS + ", warmup 0 to " + MAX_RUNS
                    + ", threads 1 to " + MAX_THREADS);
        }
        ModelStore models = new ModelStore(context);
        String name = settings.model == null ? models.chosen() : settings.model;
        if (name == null) {
            throw new ModelException(context.getString(R.string.no_model));
        }
        ModelStore.ModelFile file = models.read(name);
        Device.State before = Device.state(context);
        Benchmark benchmark = new Benchmark(settings.warmups, settings.runs);
        ModelLoader loader = new ModelLoader(context, file, settings);
        int size;
        try {
            benchmark.run(loader, new Benchmark.Listener() {
                @Override
                public boolean onRun(int done, int all) {
                    listener.onProgress(BenchmarkRun.this, done, all);
                    return !stopped;
                }
            });
            size = loader.matting.network().size();
        } catch (MattingException error) {
            throw new ModelException(file.name + ": " + error.getMessage(), error);
        } finally {
            loader.close();
        }
        write(report(file, size, benchmark, before, Device.state(context)));
        return summary(file, benchmark);
    }

    /** Returns the result as JSON. */
    private String report(ModelStore.ModelFile file, int size, Benchmark benchmark, Device.State before,
            Device.State after) {
        JsonWriter json = beginResult();
        json.name("name").value(file.name);
        json.name("sha256").value(file.sha256());
        json.name("bytes").value(file.bytes.length);
        json.name("size").value(size);
        json.name("threads").value(settings.threads);
        json.name("delegate").value(settings.wanted() == Accelerator.CPU ? "xnnpack" : settings.accelerator);
        benchmark.writeTo(json);
        json.name("before");
        before.writeTo(json);
        json.name("after");
        after.writeTo(json);
        return endResult(json);
    }

    /** Returns a table of the latencies for the user. */
    private String summary(ModelStore.ModelFile file, Benchmark benchmark) {
        StringBuilder text = new StringBuilder(file.name).append(", threads: ").append(settings.threads);
        text.append("\n\n             median     p90     p95     min  ms\n");
        for (int stage = 0; stage < Benchmark.STAGES.length; stage++) {
            LatencyStatistics statistics = benchmark.statistics(stage);
            text.append(String.format(Locale.ROOT, "%-11s %7.2f %7.2f %7.2f %7.2f%n", Benchmark.STAGES[stage],
                    statistics.median(), statistics.percentile(90), statistics.percentile(95), statistics.min()));
        }
        return text.toString();
    }

    /** Writes a result with an error instead of latencies. */
    private void fail(String message) {
        String line = message.replaceAll("\\s+", " ");
        JsonWriter json = beginResult();
        json.name("error").value(line);
        try {
            write(endResult(json));
        } catch (IOException error) {
            line += " (and the result file cannot be written: " + error.getMessage() + ")";
        }
        Log.e(TAG, "MMNET_BENCHMARK_FAILED " + settings.out + " " + line);
        listener.onEnd(this, line);
    }

    /** Returns a writer with the members that every result begins with. */
    private JsonWriter beginResult() {
        SimpleDateFormat utc = new SimpleDateFormat("yyyy-MM-dd'T'HH:mm:ss'+00:00'", Locale.ROOT);
        utc.setTimeZone(TimeZone.getTimeZone("UTC"));
        JsonWriter json = new JsonWriter();
        json.beginObject();
        json.name("format").value(FORMAT);
        json.name("when").value(utc.format(new Date()));
        return json;
    }

    /** Writes the members that every result ends with, and returns the whole result. */
    private String endResult(JsonWriter json) {
        json.name("device");
        Device.writeTo(json, context);
        json.endObject();
        return json.toString();
    }

    private void write(String text) throws IOException {
        Streams.write(resultFile(), text.getBytes(Charset.forName("UTF-8")));
    }

    private File resultFile() throws IOException {
        File folder = context.getExternalFilesDir(null);
        if (folder == null) {
            throw new IOException(context.getString(R.string.no_storage));
        }
        return new File(folder, settings.out);
    }

    /** Loads the model when the benchmark asks for it, and closes it at the end. */
    private static final class ModelLoader implements Benchmark.Loader, AutoCloseable {
        private final Context context;
        private final ModelStore.ModelFile file;
        private final Settings settings;
        private Matting matting; // null before it is loaded

        ModelLoader(Context context, ModelStore.ModelFile file, Settings settings) {
            this.context = context;
            this.file = file;
            this.settings = settings;
        }

        @Override
        public AlphaModel load() throws MattingException, ModelException {
            matting = Matting.create(context, new MattingOptions().threads(settings.threads)
                    .accelerator(settings.wanted()).modelBytes(file.bytes));
            if (matting.acceleratorProblem() != null) { // the CPU's times must not pass for another's
                throw new ModelException(matting.acceleratorProblem());
            }
            return matting.network();
        }

        @Override
        public void close() {
            if (matting != null) {
                matting.close();
            }
        }
    }
}
