package ai.mmnet.demo;

import android.Manifest;
import android.app.Activity;
import android.app.AlertDialog;
import android.content.DialogInterface;
import android.content.Intent;
import android.content.pm.PackageManager;
import android.graphics.Bitmap;
import android.net.Uri;
import android.os.AsyncTask;
import android.os.Bundle;
import android.provider.Settings;
import android.view.View;
import android.view.WindowManager;
import android.widget.Button;
import android.widget.TextView;
import android.widget.Toast;
import java.io.BufferedOutputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import ai.mmnet.core.PngWriter;
import ai.mmnet.matting.Matting;
import ai.mmnet.matting.MattingException;
import ai.mmnet.matting.MattingOptions;

/**
 * The start screen, which composites the frames of a camera live over another background and opens the other screens.
 */
public final class LiveActivity extends Activity implements LiveSession.Listener, View.OnClickListener {
    private static final int PERMISSION = 1;
    private static final int PICK_MODEL = 2;
    private static final int PICK_BACKGROUND = 3;
    private static final int MAX_BACKGROUND_SIDE = 1280;
    private static final String PERMISSION_REQUESTED = "permission_requested";

    private MatteView matte;
    private TextView times;
    private View problem;
    private TextView problemText;
    private Button problemButton;

    private UserPreferences preferences;
    private ModelStore models;
    private Background.Kind background;
    private Bitmap backgroundImage;
    private LiveSession session; // between onResume and onPause
    private boolean resumed;
    private boolean permissionRequested; // whether the user was asked for the camera permission

    @Override
    @SuppressWarnings("deprecation") // as onRetainNonConfigurationInstance
    protected void onCreate(Bundle state) {
        super.onCreate(state);
        setContentView(R.layout.live);
        ScreenEdges.pad(this);
        getWindow().addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON);
        matte = (MatteView) findViewById(R.id.matte);
        times = (TextView) findViewById(R.id.times);
        problem = findViewById(R.id.problem);
        problemText = (TextView) findViewById(R.id.problem_text);
        problemButton = (Button) findViewById(R.id.problem_button);
        int[] buttons = {R.id.model, R.id.background, R.id.camera, R.id.capture, R.id.photo, R.id.benchmark,
            R.id.problem_button};
        for (int button : buttons) {
            findViewById(button).setOnClickListener(this);
        }
        preferences = new UserPreferences(this);
        models = new ModelStore(this);
        background = preferences.background();
        permissionRequested = state != null && state.getBoolean(PERMISSION_REQUESTED);
        Bitmap kept = (Bitmap) getLastNonConfigurationInstance();
        if (kept != null) {
            background = Background.Kind.IMAGE;
            backgroundImage = kept;
        }
    }

    @Override
    @SuppressWarnings("deprecation") // without a library, nothing else keeps a large object
    public Object onRetainNonConfigurationInstance() {
        return backgroundImage;
    }

    @Override
    protected void onSaveInstanceState(Bundle state) {
        super.onSaveInstanceState(state);
        state.putBoolean(PERMISSION_REQUESTED, permissionRequested);
    }

    @Override
    protected void onResume() {
        super.onResume();
        resumed = true;
        start();
    }

    @Override
    protected void onPause() {
        resumed = false;
        stop();
        super.onPause();
    }

    @Override
    public void onRequestPermissionsResult(int request, String[] permissions, int[] results) {
        // Android calls onResume next, which checks the permission.
    }

    @Override
    public void onClick(View view) {
        int id = view.getId();
        if (id == R.id.model) {
            chooseModel();
        } else if (id == R.id.background) {
            chooseBackground();
        } else if (id == R.id.camera) {
            preferences.setFront(!preferences.front());
            restart();
        } else if (id == R.id.capture) {
            if (session != null) {
                session.capture();
            }
        } else if (id == R.id.photo) {
            startActivity(new Intent(this, PhotoActivity.class));
        } else if (id == R.id.benchmark) {
            startActivity(new Intent(this, BenchmarkActivity.class));
        } else if (hasPermission()) {
            restart();
        } else {
            startActivity(new Intent(Settings.ACTION_APPLICATION_DETAILS_SETTINGS,
                    Uri.fromParts("package", getPackageName(), null)));
        }
    }

    @Override
    public void onTimes(final LiveSession from, final String text) {
        runOnUiThread(new Runnable() {
            @Override
            public void run() {
                if (from == session) {
                    times.setText(text);
                }
            }
        });
    }

    @Override
    public void onProblem(final LiveSession from, final String message) {
        runOnUiThread(new Runnable() {
            @Override
            public void run() {
                if (from == session) {
                    showProblem(message, R.string.try_again);
                }
            }
        });
    }

    @Override
    public void onCapture(final LiveSession from, final int[] argb, final int height, final int width) {
        runOnUiThread(new Runnable() {
            @Override
            public void run() {
                if (from == session) {
                    new CaptureTask(LiveActivity.this, argb, height, width)
                            .executeOnExecutor(AsyncTask.THREAD_POOL_EXECUTOR);
                }
            }
        });
    }

    @Override
    protected void onActivityResult(int request, int result, Intent data) {
        Uri uri = result == RESULT_OK && data != null ? data.getData() : null;
        if (uri != null && request == PICK_MODEL) {
            new ImportModelTask(this, uri).executeOnExecutor(AsyncTask.THREAD_POOL_EXECUTOR);
        } else if (uri != null && request == PICK_BACKGROUND) {
            new LoadBackgroundTask(this, uri).executeOnExecutor(AsyncTask.THREAD_POOL_EXECUTOR);
        }
    }

    private void start() {
        if (session != null) {
            return;
        }
        if (!hasPermission()) {
            showProblem(getString(R.string.no_permission), R.string.allow);
            if (!permissionRequested) {
                permissionRequested = true;
                requestPermissions(new String[] {Manifest.permission.CAMERA}, PERMISSION);
            }
            return;
        }
        problem.setVisibility(View.GONE);
        problemText.setText(""); // so that the same problem is announced again
        times.setText("");
        session = new LiveSession(getApplicationContext(), getWindowManager().getDefaultDisplay(), matte,
                preferences.front(), background, backgroundImage, this);
    }

    private void stop() {
        if (session != null) {
            session.close();
            session = null;
        }
    }

    private void restart() {
        stop();
        if (resumed) {
            start();
        }
    }

    private boolean hasPermission() {
        return checkSelfPermission(Manifest.permission.CAMERA) == PackageManager.PERMISSION_GRANTED;
    }

    private void showProblem(String message, int button) {
        matte.clear();
        times.setText("");
        problem.setVisibility(View.VISIBLE); // before the text: a hidden live region announces nothing
        problemText.setText(message);
        problemButton.setText(button);
    }

    private void chooseModel() {
        final List<String> names = new ArrayList<>(models.names());
        int chosen = names.indexOf(models.chosen());
        names.add(getString(R.string.from_storage));
        new AlertDialog.Builder(this).setTitle(R.string.model).setSingleChoiceItems(names.toArray(new String[0]),
                chosen, new DialogInterface.OnClickListener() {
                    @Override
                    public void onClick(DialogInterface dialog, int which) {
                        dialog.dismiss();
                        if (which == names.size() - 1) {
                            showIfMissing(Pickers.pickFile(LiveActivity.this, "*/*", PICK_MODEL));
                        } else {
                            models.choose(names.get(which));
                            restart();
                        }
                    }
                }).show();
    }

    private void chooseBackground() {
        final Background.Kind[] kinds = Background.Kind.OF_CAMERA;
        new AlertDialog.Builder(this).setTitle(R.string.background).setSingleChoiceItems(
                Background.Kind.labels(this, kinds), Arrays.asList(kinds).indexOf(background),
                new DialogInterface.OnClickListener() {
                    @Override
                    public void onClick(DialogInterface dialog, int which) {
                        dialog.dismiss();
                        Background.Kind kind = kinds[which];
                        if (kind == Background.Kind.IMAGE) {
                            showIfMissing(Pickers.pickImage(LiveActivity.this, PICK_BACKGROUND));
                        } else {
                            setBackground(kind, null);
                        }
                    }
                }).show();
    }

    private void setBackground(Background.Kind kind, Bitmap newBackgroundImage) {
        background = kind;
        backgroundImage = newBackgroundImage;
        preferences.setBackground(kind);
        if (session != null) {
            session.setBackground(kind, newBackgroundImage);
        }
    }

    /** Says that the device has no picker, if that is so. */
    private void showIfMissing(boolean isThere) {
        if (!isThere) {
            showMessage(getString(R.string.no_picker));
        }
    }

    private void showMessage(String message) {
        Toast.makeText(this, message, Toast.LENGTH_LONG).show();
    }

    /** Writes a captured frame to a file, and opens it in the photo screen. */
    private static final class CaptureTask extends ActivityTask<LiveActivity, Uri> {
        private final int[] argb;
        private final int height;
        private final int width;

        CaptureTask(LiveActivity activity, int[] argb, int height, int width) {
            super(activity);
            this.argb = argb;
            this.height = height;
            this.width = width;
        }

        @Override
        Uri runInBackground(android.content.Context context) throws IOException {
            File file = SharedFiles.create(context);
            try (OutputStream out = new BufferedOutputStream(new FileOutputStream(file), 1 << 16)) {
                PngWriter.write(argb, height, width, false, out);
            }
            return SharedFiles.uriOf(file);
        }

        @Override
        void onSuccess(LiveActivity activity, Uri uri) {
            activity.startActivity(PhotoActivity.intent(activity, uri));
        }

        @Override
        void onFailure(LiveActivity activity, String message) {
            activity.showMessage(message);
        }
    }

    /** Reads a model from storage, loads it as a check, and stores it in the app. */
    private static final class ImportModelTask extends ActivityTask<LiveActivity, Void> {
        private final Uri uri;

        ImportModelTask(LiveActivity activity, Uri uri) {
            super(activity);
            this.uri = uri;
        }

        @Override
        Void runInBackground(android.content.Context context) throws ModelException {
            ModelStore store = new ModelStore(context);
            ModelStore.ModelFile file = store.read(uri);
            MattingOptions options = new MattingOptions().threads(1).modelBytes(file.bytes);
            try (Matting loaded = Matting.create(context, options)) {
                // Loading it is the check.
            } catch (MattingException error) {
                throw new ModelException(context.getString(R.string.model_refused, file.name, error.getMessage()),
                        error);
            }
            store.save(file);
            return null;
        }

        @Override
        void onSuccess(LiveActivity activity, Void nothing) {
            activity.restart();
        }

        @Override
        void onFailure(LiveActivity activity, String message) {
            activity.showMessage(message);
        }
    }

    /** Reads an image from storage and sets it as the background. */
    private static final class LoadBackgroundTask extends ActivityTask<LiveActivity, Bitmap> {
        private final Uri uri;

        LoadBackgroundTask(LiveActivity activity, Uri uri) {
            super(activity);
            this.uri = uri;
        }

        @Override
        Bitmap runInBackground(android.content.Context context) throws Images.ImageException {
            return Images.read(context, uri, MAX_BACKGROUND_SIDE);
        }

        @Override
        void onSuccess(LiveActivity activity, Bitmap loaded) {
            activity.setBackground(Background.Kind.IMAGE, loaded);
        }

        @Override
        void onFailure(LiveActivity activity, String message) {
            activity.showMessage(message);
        }
    }
}
