package ai.mmnet.demo;

import android.Manifest;
import android.app.Activity;
import android.app.AlertDialog;
import android.content.ActivityNotFoundException;
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
import java.util.ArrayList;
import java.util.List;

/** The live camera matte, and the way to everything else. */
public final class LiveActivity extends Activity implements LiveSession.Listener, View.OnClickListener {
    private static final int PERMISSION = 1;
    private static final int PICK_MODEL = 2;
    private static final int PICK_PICTURE = 3;
    private static final int MAX_PICTURE_SIDE = 1280;
    private static final String ASKED = "asked";

    private MatteView matte;
    private TextView times;
    private View problem;
    private TextView problemText;
    private Button problemButton;

    private Choices choices;
    private ModelStore models;
    private Background.Kind background;
    private Bitmap picture;
    private LiveSession session; // between onResume and onPause
    private boolean resumed;
    private boolean asked; // for the camera permission

    @Override
    protected void onCreate(Bundle state) {
        super.onCreate(state);
        setContentView(R.layout.live);
        getWindow().addFlags(WindowManager.LayoutParams.FLAG_KEEP_SCREEN_ON);
        matte = (MatteView) findViewById(R.id.matte);
        times = (TextView) findViewById(R.id.times);
        problem = findViewById(R.id.problem);
        problemText = (TextView) findViewById(R.id.problem_text);
        problemButton = (Button) findViewById(R.id.problem_button);
        int[] buttons = {R.id.model, R.id.background, R.id.camera, R.id.photo, R.id.benchmark, R.id.problem_button};
        for (int button : buttons) {
            findViewById(button).setOnClickListener(this);
        }
        choices = new Choices(this);
        models = new ModelStore(this);
        background = choices.background();
        asked = state != null && state.getBoolean(ASKED);
    }

    @Override
    protected void onSaveInstanceState(Bundle state) {
        super.onSaveInstanceState(state);
        state.putBoolean(ASKED, asked);
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
        // onResume follows and looks at what was granted.
    }

    @Override
    public void onClick(View view) {
        int id = view.getId();
        if (id == R.id.model) {
            chooseModel();
        } else if (id == R.id.background) {
            chooseBackground();
        } else if (id == R.id.camera) {
            choices.setFront(!choices.front());
            restart();
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
    public void onTimes(final String text) {
        runOnUiThread(new Runnable() {
            @Override
            public void run() {
                times.setText(text);
            }
        });
    }

    @Override
    public void onProblem(final String message) {
        runOnUiThread(new Runnable() {
            @Override
            public void run() {
                if (resumed) {
                    showProblem(message, R.string.try_again);
                }
            }
        });
    }

    @Override
    protected void onActivityResult(int request, int result, Intent data) {
        Uri uri = result == RESULT_OK && data != null ? data.getData() : null;
        if (uri != null && request == PICK_MODEL) {
            new ImportModel(this, uri).executeOnExecutor(AsyncTask.THREAD_POOL_EXECUTOR);
        } else if (uri != null && request == PICK_PICTURE) {
            new LoadPicture(this, uri).executeOnExecutor(AsyncTask.THREAD_POOL_EXECUTOR);
        }
    }

    private void start() {
        if (session != null) {
            return;
        }
        if (!hasPermission()) {
            showProblem(getString(R.string.no_permission), R.string.allow);
            if (!asked) {
                asked = true;
                requestPermissions(new String[] {Manifest.permission.CAMERA}, PERMISSION);
            }
            return;
        }
        problem.setVisibility(View.GONE);
        times.setText("");
        session = new LiveSession(getApplicationContext(), getWindowManager().getDefaultDisplay(), matte,
                choices.front(), background, picture, this);
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
        problemText.setText(message);
        problemButton.setText(button);
        problem.setVisibility(View.VISIBLE);
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
                            pick("*/*", PICK_MODEL);
                        } else {
                            models.choose(names.get(which));
                            restart();
                        }
                    }
                }).show();
    }

    private void chooseBackground() {
        new AlertDialog.Builder(this).setTitle(R.string.background).setSingleChoiceItems(R.array.backgrounds,
                background.ordinal(), new DialogInterface.OnClickListener() {
                    @Override
                    public void onClick(DialogInterface dialog, int which) {
                        dialog.dismiss();
                        Background.Kind kind = Background.Kind.values()[which];
                        if (kind == Background.Kind.PICTURE) {
                            pick("image/*", PICK_PICTURE);
                        } else {
                            setBackground(kind, null);
                        }
                    }
                }).show();
    }

    private void setBackground(Background.Kind kind, Bitmap newPicture) {
        background = kind;
        picture = newPicture;
        choices.setBackground(kind);
        if (session != null) {
            session.setBackground(kind, newPicture);
        }
    }

    private void pick(String type, int request) {
        Intent intent = new Intent(Intent.ACTION_OPEN_DOCUMENT);
        intent.addCategory(Intent.CATEGORY_OPENABLE);
        intent.setType(type);
        try {
            startActivityForResult(intent, request);
        } catch (ActivityNotFoundException error) {
            say(getString(R.string.no_picker));
        }
    }

    private void say(String message) {
        Toast.makeText(this, message, Toast.LENGTH_LONG).show();
    }

    /** Reads a model from storage, loads it to see that it can be, and keeps it. */
    private static final class ImportModel extends UserTask<LiveActivity, Void> {
        private final Uri uri;

        ImportModel(LiveActivity activity, Uri uri) {
            super(activity);
            this.uri = uri;
        }

        @Override
        Void work(android.content.Context context) throws ModelException {
            ModelStore store = new ModelStore(context);
            ModelStore.Content content = store.read(uri);
            try (LiteRtModel loaded = new LiteRtModel(content.direct(), 1)) {
                store.keep(content);
            } catch (ModelException error) {
                throw new ModelException(content.name + ": " + error.getMessage(), error);
            }
            return null;
        }

        @Override
        void done(LiveActivity activity, Void nothing) {
            activity.restart();
        }

        @Override
        void failed(LiveActivity activity, String message) {
            activity.say(message);
        }
    }

    private static final class LoadPicture extends UserTask<LiveActivity, Bitmap> {
        private final Uri uri;

        LoadPicture(LiveActivity activity, Uri uri) {
            super(activity);
            this.uri = uri;
        }

        @Override
        Bitmap work(android.content.Context context) throws Pictures.PictureException {
            return Pictures.read(context, uri, MAX_PICTURE_SIDE);
        }

        @Override
        void done(LiveActivity activity, Bitmap loaded) {
            activity.setBackground(Background.Kind.PICTURE, loaded);
        }

        @Override
        void failed(LiveActivity activity, String message) {
            activity.say(message);
        }
    }
}
