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

/** One photo: its matte, another background, and saving what comes of it. */
public final class PhotoActivity extends Activity implements View.OnClickListener {
    private static final int PICK_PHOTO = 1;
    private static final int PICK_PICTURE = 2;
    private static final int SAVE = 3;
    private static final int MAX_SIDE = 2048;

    private ImageView view;
    private TextView status;
    private View save;

    private Background.Kind kind;
    private Bitmap backgroundPicture;
    private Matted matted; // null until a photo was matted
    private Bitmap shown;

    /** A photo and its alpha. */
    private static final class Matted {
        final byte[] picture;
        final byte[] alpha;
        final int height;
        final int width;
        final String times;

        Matted(MattePipeline pipeline, String times) {
            picture = pipeline.image;
            alpha = pipeline.alpha;
            height = pipeline.orientation.height;
            width = pipeline.orientation.width;
            this.times = times;
        }
    }

    @Override
    protected void onCreate(Bundle state) {
        super.onCreate(state);
        setContentView(R.layout.photo);
        view = (ImageView) findViewById(R.id.picture);
        status = (TextView) findViewById(R.id.status);
        save = findViewById(R.id.save);
        findViewById(R.id.open).setOnClickListener(this);
        findViewById(R.id.background).setOnClickListener(this);
        save.setOnClickListener(this);
        kind = new Choices(this).background();
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
            new MattePhoto(this, uri).executeOnExecutor(AsyncTask.SERIAL_EXECUTOR);
        } else if (request == PICK_PICTURE) {
            new LoadPicture(this, uri).executeOnExecutor(AsyncTask.SERIAL_EXECUTOR);
        } else if (shown != null) {
            new Save(this, uri, shown).executeOnExecutor(AsyncTask.SERIAL_EXECUTOR);
        }
    }

    private void chooseBackground() {
        new AlertDialog.Builder(this).setTitle(R.string.background).setSingleChoiceItems(R.array.backgrounds,
                kind.ordinal(), new DialogInterface.OnClickListener() {
                    @Override
                    public void onClick(DialogInterface dialog, int which) {
                        dialog.dismiss();
                        if (Background.Kind.values()[which] == Background.Kind.PICTURE) {
                            pick(PICK_PICTURE);
                        } else {
                            setBackground(Background.Kind.values()[which], null);
                        }
                    }
                }).show();
    }

    private void setBackground(Background.Kind newKind, Bitmap picture) {
        kind = newKind;
        backgroundPicture = picture;
        compose();
    }

    private void compose() {
        if (matted != null) {
            new Compose(this).executeOnExecutor(AsyncTask.SERIAL_EXECUTOR);
        }
    }

    private void pick(int request) {
        Intent intent = new Intent(Intent.ACTION_OPEN_DOCUMENT);
        intent.addCategory(Intent.CATEGORY_OPENABLE);
        intent.setType("image/*");
        launch(intent, request);
    }

    private void launch(Intent intent, int request) {
        try {
            startActivityForResult(intent, request);
        } catch (ActivityNotFoundException error) {
            status.setText(R.string.no_picker);
        }
    }

    /** Reads a photo and computes its matte; the model lives as long as that takes. */
    private static final class MattePhoto extends UserTask<PhotoActivity, Matted> {
        private final Uri uri;

        MattePhoto(PhotoActivity activity, Uri uri) {
            super(activity);
            this.uri = uri;
        }

        @Override
        Matted work(Context context) throws Exception {
            ModelStore models = new ModelStore(context);
            String name = models.chosen();
            if (name == null) {
                throw new ModelException(context.getString(R.string.no_model));
            }
            Bitmap photo = Pictures.read(context, uri, MAX_SIDE);
            try (LiteRtModel model = new LiteRtModel(models.read(name).direct(), LiveSession.threads())) {
                Orientation upright = new Orientation(photo.getHeight(), photo.getWidth(), 0, false);
                MattePipeline pipeline = new MattePipeline(upright, model, Fit.STRETCH);
                byte[] rgb = Pictures.toRgb(photo);
                System.arraycopy(rgb, 0, pipeline.image, 0, rgb.length);
                pipeline.runOnImage();
                return new Matted(pipeline, String.format(Locale.ROOT, "%s · %d×%d · model %.1f ms", name,
                        upright.width, upright.height, pipeline.invokeNanos() / 1e6));
            } catch (ModelException error) {
                throw new ModelException(name + ": " + error.getMessage(), error);
            } finally {
                photo.recycle();
            }
        }

        @Override
        void done(PhotoActivity activity, Matted result) {
            activity.matted = result;
            activity.compose();
        }

        @Override
        void failed(PhotoActivity activity, String message) {
            activity.status.setText(message);
        }
    }

    private static final class LoadPicture extends UserTask<PhotoActivity, Bitmap> {
        private final Uri uri;

        LoadPicture(PhotoActivity activity, Uri uri) {
            super(activity);
            this.uri = uri;
        }

        @Override
        Bitmap work(Context context) throws Pictures.PictureException {
            return Pictures.read(context, uri, MAX_SIDE);
        }

        @Override
        void done(PhotoActivity activity, Bitmap picture) {
            activity.setBackground(Background.Kind.PICTURE, picture);
        }

        @Override
        void failed(PhotoActivity activity, String message) {
            activity.status.setText(message);
        }
    }

    /** Lays the photo over the background; "as it is" gives the person cut out, with transparency. */
    private static final class Compose extends UserTask<PhotoActivity, Bitmap> {
        private final Matted matted;
        private final Background.Kind kind;
        private final Bitmap picture;

        Compose(PhotoActivity activity) {
            super(activity);
            matted = activity.matted;
            kind = activity.kind;
            picture = activity.backgroundPicture;
        }

        @Override
        Bitmap work(Context context) {
            int[] argb = new int[matted.alpha.length];
            if (kind == Background.Kind.NONE) {
                Compositor.cutOut(matted.picture, matted.alpha, argb);
            } else {
                byte[] behind = kind == Background.Kind.PICTURE
                        ? Pictures.cover(picture, matted.height, matted.width)
                        : null;
                new Background(kind, behind, matted.height, matted.width).compose(matted.picture, matted.alpha, argb);
            }
            return Bitmap.createBitmap(argb, matted.width, matted.height, Bitmap.Config.ARGB_8888);
        }

        @Override
        void done(PhotoActivity activity, Bitmap composed) {
            activity.shown = composed;
            activity.view.setImageBitmap(composed);
            activity.status.setText(matted.times);
            activity.save.setEnabled(true);
        }

        @Override
        void failed(PhotoActivity activity, String message) {
            activity.status.setText(message);
        }
    }

    private static final class Save extends UserTask<PhotoActivity, Void> {
        private final Uri uri;
        private final Bitmap bitmap;

        Save(PhotoActivity activity, Uri uri, Bitmap bitmap) {
            super(activity);
            this.uri = uri;
            this.bitmap = bitmap;
        }

        @Override
        Void work(Context context) throws IOException {
            try (OutputStream out = context.getContentResolver().openOutputStream(uri)) {
                if (out == null || !bitmap.compress(Bitmap.CompressFormat.PNG, 100, out)) {
                    throw new IOException("the picture cannot be written there");
                }
            }
            return null;
        }

        @Override
        void done(PhotoActivity activity, Void nothing) {
            activity.status.setText(R.string.saved);
        }

        @Override
        void failed(PhotoActivity activity, String message) {
            activity.status.setText(message);
        }
    }
}
