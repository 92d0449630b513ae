package ai.mmnet.demo;

import android.app.Activity;
import android.content.Intent;
import android.os.Bundle;
import android.text.TextUtils;
import android.view.View;
import android.view.WindowManager;
import android.widget.Button;
import android.widget.EditText;
import android.widget.ProgressBar;
import android.widget.TextView;

/**
 * The screen that measures the latency of a model. With the extra {@code model} in its intent it starts by itself:
 *
 * <pre>
 * adb shell am start -W -n ai.mmnet.demo/.BenchmarkActivity --es model mmnet-1.0-256-int8.tflite --ei runs 200 --ei threads 2
 * </pre>
 *
 * android_demo/README.md describes the extras and the result.
 */
public final class BenchmarkActivity extends Activity implements BenchmarkRun.Listener, View.OnClickListener {
    private EditText runs;
    private EditText threads;
    private Button start;
    private ProgressBar progress;
    private TextView result;
    private BenchmarkRun run; // null if no benchmark is running

    @Override
    protected void onCreate(Bundle state) {
        super.onCreate(state);
        setContentView(R.layout.benchmark);
        ScreenEdges.pad(this);
        // A computer may start the benchmark on a phone that is locked.
        getWindow().addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON
                | WindowManager.LayoutParams.FLAG_TURN_SCREEN_ON
                | WindowManager.LayoutParams.FLAG_SHOW_WHEN_LOCKED);
        runs = (EditText) findViewById(R.id.runs);
        threads = (EditText) findViewById(R.id.threads);
        start = (Button) findViewById(R.id.start);
        progress = (ProgressBar) findViewById(R.id.progress);
        result = (TextView) findViewById(R.id.result);
        start.setOnClickListener(this);
        runs.setText(String.valueOf(BenchmarkRun.DEFAULT_RUNS));
        threads.setText(String.valueOf(BenchmarkRun.DEFAULT_THREADS));
        if (state == null) {
            startFrom(getIntent());
        }
    }

    @Override
    protected void onNewIntent(Intent intent) {
        super.onNewIntent(intent);
        setIntent(intent);
        startFrom(intent);
    }

    @Override
    protected void onStop() {
        if (!isChangingConfigurations()) {
            stop(); // an app in the background runs on slower cores, so its times would be wrong
        }
        super.onStop();
    }

    @Override
    protected void onDestroy() {
        stop();
        super.onDestroy();
    }

    @Override
    public void onClick(View view) {
        if (run != null) {
            stop();
            return;
        }
        begin(new BenchmarkRun.Settings(null, number(runs, BenchmarkRun.DEFAULT_RUNS), BenchmarkRun.DEFAULT_WARMUPS,
                number(threads, BenchmarkRun.DEFAULT_THREADS), null, null));
    }

    @Override
    public void onProgress(final BenchmarkRun from, final int done, final int all) {
        runOnUiThread(new Runnable() {
            @Override
            public void run() {
                if (from == BenchmarkActivity.this.run) {
                    progress.setMax(all);
                    progress.setProgress(done);
                }
            }
        });
    }

    @Override
    public void onEnd(final BenchmarkRun from, final String text) {
        runOnUiThread(new Runnable() {
            @Override
            public void run() {
                if (from == BenchmarkActivity.this.run) {
                    BenchmarkActivity.this.run = null;
                    start.setText(R.string.start);
                    progress.setProgress(0);
                    result.setText(text);
                }
            }
        });
    }

    /** Starts a benchmark if the intent names a model. */
    private void startFrom(Intent intent) {
        String model = intent.getStringExtra("model");
        if (TextUtils.isEmpty(model)) {
            return;
        }
        int wantedRuns = intent.getIntExtra("runs", BenchmarkRun.DEFAULT_RUNS);
        int wantedThreads = intent.getIntExtra("threads", BenchmarkRun.DEFAULT_THREADS);
        runs.setText(String.valueOf(wantedRuns));
        threads.setText(String.valueOf(wantedThreads));
        int wantedWarmups = intent.getIntExtra("warmup", BenchmarkRun.DEFAULT_WARMUPS);
        begin(new BenchmarkRun.Settings(model, wantedRuns, wantedWarmups, wantedThreads,
                intent.getStringExtra("accelerator"), intent.getStringExtra("out")));
    }

    private void begin(BenchmarkRun.Settings settings) {
        stop();
        result.setText("");
        start.setText(R.string.stop);
        run = new BenchmarkRun(getApplicationContext(), settings, this);
        run.start();
    }

    private void stop() {
        if (run != null) {
            run.stopSoon();
            run = null;
            start.setText(R.string.start);
            progress.setProgress(0);
        }
    }

    private static int number(EditText field, int defaultValue) {
        try {
            return Integer.parseInt(field.getText().toString());
        } catch (NumberFormatException error) {
            return defaultValue;
        }
    }
}
