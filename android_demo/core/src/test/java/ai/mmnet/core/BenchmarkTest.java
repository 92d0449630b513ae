package ai.mmnet.core;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import org.junit.Test;

/** Tests of the benchmark, its statistics and its JSON. */
public class BenchmarkTest {
    /** A model that counts its runs and writes no alpha. */
    private static final class CountingModel implements AlphaModel {
        int runs;

        @Override
        public int size() {
            return 16;
        }

        @Override
        public void run(byte[] input, byte[] alpha) {
            runs++;
        }
    }

    @Test
    public void benchmarkDoesFirstRunWarmUpRunsAndMeasuredRuns() throws Exception {
        CountingModel model = new CountingModel();
        int[] reported = {0, 0};
        Benchmark benchmark = new Benchmark(2, 5);
        benchmark.run(() -> model, (done, all) -> {
            assertEquals(++reported[0], done);
            reported[1] = all;
            return true;
        });
        assertEquals(8, model.runs);
        assertEquals(8, reported[0]);
        assertEquals(8, reported[1]);
        for (int stage = 0; stage < Benchmark.STAGES.length; stage++) {
            assertEquals(5, benchmark.statistics(stage).count());
        }
        assertTrue(benchmark.statistics(0).min() > 0);
        JsonWriter json = new JsonWriter();
        json.beginObject();
        benchmark.writeTo(json);
        json.endObject();
        for (String member : new String[] {"load_ms", "first_run_ms", "warmup", "stages", "rounds_ms"}) {
            assertTrue(member, json.toString().contains("\"" + member + "\": "));
        }
    }

    @Test
    public void listenerStopsTheBenchmark() {
        CountingModel model = new CountingModel();
        Benchmark benchmark = new Benchmark(0, 1000);
        assertThrows(Benchmark.StoppedException.class, () -> benchmark.run(() -> model, (done, all) -> done < 3));
        assertEquals(3, model.runs);
    }

    @Test
    public void tooFewRunsAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> new Benchmark(0, 0));
        assertThrows(IllegalArgumentException.class, () -> new Benchmark(-1, 1));
        assertThrows(IllegalArgumentException.class, () -> new LatencyStatistics(new double[0]));
    }

    @Test
    public void statisticsAreThoseOfNumPy() {
        LatencyStatistics statistics = new LatencyStatistics(new double[] {4, 1, 3, 2});
        assertEquals(1, statistics.min(), 0);
        assertEquals(2.5, statistics.median(), 0);
        assertEquals(3.7, statistics.percentile(90), 1e-15);
        assertEquals(4, statistics.percentile(100), 0);
        assertEquals(1.5, statistics.interquartileRange(), 1e-15);
        assertEquals(0, new LatencyStatistics(new double[] {1}).interquartileRange(), 0);
    }

    @Test
    public void invalidJsonIsRefused() {
        assertThrows(IllegalStateException.class, () -> new JsonWriter().toString());
        assertThrows(IllegalStateException.class, () -> new JsonWriter().beginObject().toString());
        assertThrows(IllegalStateException.class, () -> new JsonWriter().beginObject().value(1));
        assertThrows(IllegalStateException.class, () -> new JsonWriter().beginArray().name("a"));
        assertThrows(IllegalStateException.class, () -> new JsonWriter().beginArray().endObject());
        assertThrows(IllegalStateException.class, () -> new JsonWriter().value(1).value(2));
        assertEquals("[\n  1,\n  {},\n  null\n]\n",
                new JsonWriter().beginArray().value(1).beginObject().endObject().value(Double.NaN).endArray()
                        .toString());
    }
}
