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
 * Measures a model. With the extra {@code model} it starts by itself:
 *
 * <pre>
 * adb shell am start -W -n ai.mmnet.demo/.BenchmarkActivity --es model mmnet.tflite --ei runs 200 --ei threads 2
 * </pre>
 *
 * android_demo/README.md lists the extras, and what is written where.
 */
public final class BenchmarkActivity extends Activity implements BenchmarkRun.Listener, View.OnClickListener {
    private EditText runs;
    private EditText threads;
    private Button start;
    private ProgressBar progress;
    private TextView result;
    private BenchmarkRun run; // while one is going on

    @Override
    protected void onCreate(Bundle state) {
        super.onCreate(state);
        setContentView(R.layout.benchmark);
        // From a cable it is started on a phone that lies there locked.
        getWindow().addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON
                | WindowManager.LayoutParams.FLAG_TURN_SCREEN_ON
                | WindowManager.LayoutParams.FLAG_SHOW_WHEN_LOCKED);
        runs = (EditText) findViewById(R.id.runs);
        threads = (EditText) findViewById(R.id.threads);
        start = (Button) findViewById(R.id.start);
        progress = (ProgressBar) findViewById(R.id.progress);
        result = (TextView) findViewById(R.id.result);
        start.setOnClickListener(this);
        runs.setText(String.valueOf(BenchmarkRun.RUNS));
        threads.setText(String.valueOf(BenchmarkRun.THREADS));
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
            stop(); // in the background the processor is another one
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
        begin(new BenchmarkRun.Settings(null, number(runs, BenchmarkRun.RUNS), BenchmarkRun.WARMUPS,
                number(threads, BenchmarkRun.THREADS), null));
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

    private void startFrom(Intent intent) {
        String model = intent.getStringExtra("model");
        if (TextUtils.isEmpty(model)) {
            return;
        }
        int wantedRuns = intent.getIntExtra("runs", BenchmarkRun.RUNS);
        int wantedThreads = intent.getIntExtra("threads", BenchmarkRun.THREADS);
        runs.setText(String.valueOf(wantedRuns));
        threads.setText(String.valueOf(wantedThreads));
        begin(new BenchmarkRun.Settings(model, wantedRuns, intent.getIntExtra("warmup", BenchmarkRun.WARMUPS),
                wantedThreads, intent.getStringExtra("out")));
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

    private static int number(EditText field, int otherwise) {
        try {
            return Integer.parseInt(field.getText().toString());
        } catch (NumberFormatException error) {
            return otherwise;
        }
    }
}
