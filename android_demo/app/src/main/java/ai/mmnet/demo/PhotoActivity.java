package ai.mmnet.demo;

import android.app.Activity;
import android.app.AlertDialog;
import android.content.ActivityNotFoundException;
import android.content.Context;
import android.content.DialogInterface;
import android.content.Intent;
import android.graphics.Bitmap;
import android.net.Uri;
import android.os.AsyncTask;
import android.os.Bundle;
import android.view.View;
import android.widget.ImageView;
import android.widget.TextView;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Locale;
import ai.mmnet.core.Compositor;
import ai.mmnet.core.Fit;
import ai.mmnet.core.MattePipeline;
import ai.mmnet.core.Orientation;
import ai.mmnet.core.Presence;
import ai.mmnet.core.Profile;

/**
 * The screen that mattes a photo, composites it over another background and saves the result. Its
 * quality is that of {@link Profile#FINE}: edges guided by the photo, and the foreground's own colours.
 */
public final class PhotoActivity extends Activity implements View.OnClickListener {
    private static final int PICK_PHOTO = 1;
    private static final int PICK_BACKGROUND = 2;
    private static final int SAVE = 3;
    private static final int MAX_SIDE = 2048;

    private ImageView view;
    private TextView status;
    private View save;

    private Background.Kind kind;
    private Bitmap backgroundImage;
    private MattedPhoto matted; // null until a photo was matted
    private Bitmap composite; // the image on the screen; null until a photo was matted

    /** A photo and its alpha. */
    private static final class MattedPhoto {
        final byte[] image;
        final byte[] alpha;
        final int height;
        final int width;
        final String about; // for the user: whether anybody was found, and how long it took

        MattedPhoto(MattePipeline pipeline, String about) {
            image = pipeline.image;
            alpha = pipeline.alpha;
            height = pipeline.orientation.height;
            width = pipeline.orientation.width;
            this.about = about;
        }
    }

    @Override
    protected void onCreate(Bundle state) {
        super.onCreate(state);
        setContentView(R.layout.photo);
        view = (ImageView) findViewById(R.id.image);
        status = (TextView) findViewById(R.id.status);
        save = findViewById(R.id.save);
        findViewById(R.id.open).setOnClickListener(this);
        findViewById(R.id.background).setOnClickListener(this);
        save.setOnClickListener(this);
        kind = new UserPreferences(this).background();
    }

    @Override
    public void onClick(View clicked) {
        if (clicked.getId() == R.id.open) {
            pick(PICK_PHOTO);
        } else if (clicked.getId() == R.id.background) {
            chooseBackground();
        } else {
            Intent intent = new Intent(Intent.ACTION_CREATE_DOCUMENT);
            intent.addCategory(Intent.CATEGORY_OPENABLE);
            intent.setType("image/png");
            intent.putExtra(Intent.EXTRA_TITLE, "mmnet.png");
            launch(intent, SAVE);
        }
    }

    @Override
    protected void onActivityResult(int request, int result, Intent data) {
        Uri uri = result == RESULT_OK && data != null ? data.getData() : null;
        if (uri == null) {
            return;
        }
        if (request == PICK_PHOTO) {
            status.setText("…");
            new MattePhotoTask(this, uri).executeOnExecutor(AsyncTask.SERIAL_EXECUTOR);
        } else if (request == PICK_BACKGROUND) {
            new LoadBackgroundTask(this, uri).executeOnExecutor(AsyncTask.SERIAL_EXECUTOR);
        } else if (composite != null) {
            new SaveTask(this, uri, composite).executeOnExecutor(AsyncTask.SERIAL_EXECUTOR);
        }
    }

    private void chooseBackground() {
        new AlertDialog.Builder(this).setTitle(R.string.background).setSingleChoiceItems(R.array.backgrounds,
                kind.ordinal(), new DialogInterface.OnClickListener() {
                    @Override
                    public void onClick(DialogInterface dialog, int which) {
                        dialog.dismiss();
                        if (Background.Kind.values()[which] == Background.Kind.IMAGE) {
                            pick(PICK_BACKGROUND);
                        } else {
                            setBackground(Background.Kind.values()[which], null);
                        }
                    }
                }).show();
    }

    private void setBackground(Background.Kind newKind, Bitmap newBackgroundImage) {
        kind = newKind;
        backgroundImage = newBackgroundImage;
        startCompositing();
    }

    private void startCompositing() {
        if (matted != null) {
            new CompositeTask(this).executeOnExecutor(AsyncTask.SERIAL_EXECUTOR);
        }
    }

    /** Lets the user choose an image. */
    private void pick(int request) {
        Intent intent = new Intent(Intent.ACTION_OPEN_DOCUMENT);
        intent.addCategory(Intent.CATEGORY_OPENABLE);
        intent.setType("image/*");
        launch(intent, request);
    }

    /** Starts an activity whose result {@code onActivityResult} receives. */
    private void launch(Intent intent, int request) {
        try {
            startActivityForResult(intent, request);
        } catch (ActivityNotFoundException error) {
            status.setText(R.string.no_picker);
        }
    }

    /** Reads a photo and computes its alpha. The model is loaded for this and closed afterwards. */
    private static final class MattePhotoTask extends ActivityTask<PhotoActivity, MattedPhoto> {
        private final Uri uri;

        MattePhotoTask(PhotoActivity activity, Uri uri) {
            super(activity);
            this.uri = uri;
        }

        @Override
        MattedPhoto runInBackground(Context context) throws Exception {
            ModelStore models = new ModelStore(context);
            String name = models.chosen();
            if (name == null) {
                throw new ModelException(context.getString(R.string.no_model));
            }
            Bitmap photo = Images.read(context, uri, MAX_SIDE);
            try (LiteRtModel model = new LiteRtModel(models.read(name).directBuffer(), LiveSession.threads())) {
                Orientation upright = new Orientation(photo.getHeight(), photo.getWidth(), 0, false);
                MattePipeline pipeline = new MattePipeline(upright, model, Fit.AUTO, Profile.FINE);
                byte[] rgb = Images.toRgb(photo);
                System.arraycopy(rgb, 0, pipeline.image, 0, rgb.length);
                pipeline.runOnImage();
                String times = String.format(Locale.ROOT, "%s · %d×%d · model %.1f ms", name, upright.width,
                        upright.height, pipeline.invokeNanos() / 1e6);
                boolean nobody = Presence.isNobody(pipeline.confidence());
                return new MattedPhoto(pipeline, nobody ? context.getString(R.string.nobody) + " · " + times : times);
            } catch (ModelException error) {
                throw new ModelException(name + ": " + error.getMessage(), error);
            } finally {
                photo.recycle();
            }
        }

        @Override
        void onSuccess(PhotoActivity activity, MattedPhoto result) {
            activity.matted = result;
            activity.startCompositing();
        }

        @Override
        void onFailure(PhotoActivity activity, String message) {
            activity.status.setText(message);
        }
    }

    /** Reads an image from storage and sets it as the background. */
    private static final class LoadBackgroundTask extends ActivityTask<PhotoActivity, Bitmap> {
        private final Uri uri;

        LoadBackgroundTask(PhotoActivity activity, Uri uri) {
            super(activity);
            this.uri = uri;
        }

        @Override
        Bitmap runInBackground(Context context) throws Images.ImageException {
            return Images.read(context, uri, MAX_SIDE);
        }

        @Override
        void onSuccess(PhotoActivity activity, Bitmap backgroundImage) {
            activity.setBackground(Background.Kind.IMAGE, backgroundImage);
        }

        @Override
        void onFailure(PhotoActivity activity, String message) {
            activity.status.setText(message);
        }
    }

    /** Composites the photo over the background. The kind NONE gives a cut-out with transparency. */
    private static final class CompositeTask extends ActivityTask<PhotoActivity, Bitmap> {
        private final MattedPhoto matted;
        private final Background.Kind kind;
        private final Bitmap backgroundImage;

        CompositeTask(PhotoActivity activity) {
            super(activity);
            matted = activity.matted;
            kind = activity.kind;
            backgroundImage = activity.backgroundImage;
        }

        @Override
        Bitmap runInBackground(Context context) {
            int[] argb = new int[matted.alpha.length];
            if (kind == Background.Kind.NONE) {
                new Compositor(matted.height, matted.width, Profile.FINE).cutOut(matted.image, matted.alpha, argb);
            } else {
                byte[] pixels = kind == Background.Kind.IMAGE
                        ? Images.cover(backgroundImage, matted.height, matted.width)
                        : null;
                Background background = new Background(kind, pixels, matted.height, matted.width);
                background.composite(matted.image, matted.alpha, argb);
            }
            return Bitmap.createBitmap(argb, matted.width, matted.height, Bitmap.Config.ARGB_8888);
        }

        @Override
        void onSuccess(PhotoActivity activity, Bitmap result) {
            activity.composite = result;
            activity.view.setImageBitmap(result);
            activity.status.setText(matted.about);
            activity.save.setEnabled(true);
        }

        @Override
        void onFailure(PhotoActivity activity, String message) {
            activity.status.setText(message);
        }
    }

    /** Writes the composite or cut-out to a PNG file. */
    private static final class SaveTask extends ActivityTask<PhotoActivity, Void> {
        private final Uri uri;
        private final Bitmap bitmap;

        SaveTask(PhotoActivity activity, Uri uri, Bitmap bitmap) {
            super(activity);
            this.uri = uri;
            this.bitmap = bitmap;
        }

        @Override
        Void runInBackground(Context context) throws IOException {
            try (OutputStream out = context.getContentResolver().openOutputStream(uri)) {
                if (out == null || !bitmap.compress(Bitmap.CompressFormat.PNG, 100, out)) {
                    throw new IOException("the image cannot be written to this file");
                }
            }
            return null;
        }

        @Override
        void onSuccess(PhotoActivity activity, Void nothing) {
            activity.status.setText(R.string.saved);
        }

        @Override
        void onFailure(PhotoActivity activity, String message) {
            activity.status.setText(message);
        }
    }
}
