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

/**
 * One measurement on a thread of its own. However it ends, it writes one JSON file to the app's external folder, and
 * then one line to the log, for who waits there:
 *
 * <pre>
 * I MMNetBenchmark: MMNET_BENCHMARK_DONE FILE PATH
 * E MMNetBenchmark: MMNET_BENCHMARK_FAILED FILE message
 * </pre>
 */
final class BenchmarkRun extends Thread {
    static final int RUNS = 100;
    static final int WARMUPS = 10;
    static final int THREADS = 1;

    private static final String FORMAT = "mmnet-android-benchmark/1";
    private static final String TAG = "MMNetBenchmark";
    private static final int MAX_RUNS = 100000;
    private static final int MAX_THREADS = 64;

    /** Hears of it, on the run's thread. */
    interface Listener {
        void onProgress(BenchmarkRun from, int done, int all);

        /** The end, good or bad, in words. */
        void onEnd(BenchmarkRun from, String text);
    }

    /** What is measured, and how. */
    static final class Settings {
        final String model; // null for the chosen one
        final int runs;
        final int warmups;
        final int threads;
        final String out;

        /** @param out the result file's name, without a folder; null for a new one. */
        Settings(String model, int runs, int warmups, int threads, String out) {
            this.model = model;
            this.runs = runs;
            this.warmups = warmups;
            this.threads = threads;
            this.out = out == null || out.isEmpty() ? "benchmark-" + System.currentTimeMillis() + ".json"
                    : new File(out).getName();
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

    /** Ends after the run that is going on. */
    void stopSoon() {
        stopped = true;
    }

    @Override
    public void run() {
        try {
            String text = measure();
            Log.i(TAG, "MMNET_BENCHMARK_DONE " + settings.out + " " + file().getPath());
            listener.onEnd(this, text + "\n" + file().getPath());
        } catch (OutOfMemoryError error) {
            fail(context.getString(R.string.out_of_memory));
        } catch (Exception error) { // whatever it was, who waits for the log must hear of it
            fail(error.getMessage() == null ? error.toString() : error.getMessage());
        }
    }

    private String measure() throws Exception {
        if (settings.runs < 1 || settings.runs > MAX_RUNS || settings.warmups < 0 || settings.warmups > MAX_RUNS
                || settings.threads < 1 || settings.threads > MAX_THREADS) {
            throw new IllegalArgumentException("runs is 1 to " + MAX_RUNS + ", warmup 0 to " + MAX_RUNS
                    + ", threads 1 to " + MAX_THREADS);
        }
        ModelStore models = new ModelStore(context);
        String name = settings.model == null ? models.chosen() : settings.model;
        if (name == null) {
            throw new ModelException(context.getString(R.string.no_model));
        }
        ModelStore.Content content = models.read(name);
        Device.State before = Device.state(context);
        Benchmark benchmark = new Benchmark(settings.warmups, settings.runs);
        ModelLoader loader = new ModelLoader(content, settings.threads);
        int size;
        try {
            benchmark.run(loader, new Benchmark.Listener() {
                @Override
                public boolean onRun(int done, int all) {
                    listener.onProgress(BenchmarkRun.this, done, all);
                    return !stopped;
                }
            });
            size = loader.model.size();
        } catch (ModelException error) {
            throw new ModelException(content.name + ": " + error.getMessage(), error);
        } finally {
            loader.close();
        }
        write(report(content, size, benchmark, before, Device.state(context)));
        return summary(content, benchmark);
    }

    private String report(ModelStore.Content content, int size, Benchmark benchmark, Device.State before,
            Device.State after) {
        JsonWriter json = begin();
        json.name("name").value(content.name);
        json.name("sha256").value(content.sha256());
        json.name("bytes").value(content.bytes.length);
        json.name("size").value(size);
        json.name("threads").value(settings.threads);
        json.name("delegate").value("xnnpack");
        benchmark.writeTo(json);
        json.name("before");
        before.writeTo(json);
        json.name("after");
        after.writeTo(json);
        return end(json);
    }

    private String summary(ModelStore.Content content, Benchmark benchmark) {
        StringBuilder text = new StringBuilder(content.name).append(", threads: ").append(settings.threads);
        text.append("\n\n             median     p90     p95     min  ms\n");
        for (int stage = 0; stage < Benchmark.STAGES.length; stage++) {
            LatencyStatistics statistics = benchmark.statistics(stage);
            text.append(String.format(Locale.ROOT, "%-11s %7.2f %7.2f %7.2f %7.2f%n", Benchmark.STAGES[stage],
                    statistics.median(), statistics.percentile(90), statistics.percentile(95), statistics.min()));
        }
        return text.toString();
    }

    private void fail(String message) {
        String line = message.replaceAll("\\s+", " ");
        JsonWriter json = begin();
        json.name("error").value(line);
        try {
            write(end(json));
        } catch (IOException error) {
            line += " (and the result cannot be written: " + error.getMessage() + ")";
        }
        Log.e(TAG, "MMNET_BENCHMARK_FAILED " + settings.out + " " + line);
        listener.onEnd(this, line);
    }

    private JsonWriter begin() {
        SimpleDateFormat utc = new SimpleDateFormat("yyyy-MM-dd'T'HH:mm:ss'+00:00'", Locale.ROOT);
        utc.setTimeZone(TimeZone.getTimeZone("UTC"));
        JsonWriter json = new JsonWriter();
        json.beginObject();
        json.name("format").value(FORMAT);
        json.name("when").value(utc.format(new Date()));
        return json;
    }

    private String end(JsonWriter json) {
        json.name("device");
        Device.writeTo(json, context);
        json.endObject();
        return json.toString();
    }

    private void write(String text) throws IOException {
        Streams.write(file(), text.getBytes(Charset.forName("UTF-8")));
    }

    private File file() throws IOException {
        File folder = context.getExternalFilesDir(null);
        if (folder == null) {
            throw new IOException(context.getString(R.string.no_storage));
        }
        return new File(folder, settings.out);
    }

    /** Loads the model for the benchmark, and keeps it to close it. */
    private static final class ModelLoader implements Benchmark.Loader, AutoCloseable {
        private final ModelStore.Content content;
        private final int threads;
        private LiteRtModel model;

        ModelLoader(ModelStore.Content content, int threads) {
            this.content = content;
            this.threads = threads;
        }

        @Override
        public AlphaModel load() throws ModelException {
            model = new LiteRtModel(content.direct(), threads);
            return model;
        }

        @Override
        public void close() {
            if (model != null) {
                model.close();
            }
        }
    }
}
