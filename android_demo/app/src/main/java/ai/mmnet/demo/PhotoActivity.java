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
import java.util.Arrays;

/**
 * The screen that mattes a photo at its own size, composites it over another background and saves the result. The photo
 * is kept when the screen is turned or its theme changes, and read again after Android ended the app in the background.
 */
public final class PhotoActivity extends Activity implements View.OnClickListener {
    private static final int PICK_PHOTO = 1;
    private static final int PICK_BACKGROUND = 2;
    private static final int SAVE = 3;
    private static final int MAX_BACKGROUND_SIDE = 2048;

    private static final String PHOTO = "photo"; // keys of the saved state
    private static final String KIND = "kind";
    private static final String BACKGROUND = "background";
    private static final String DESTINATION = "destination";

    private ImageView view;
    private TextView status;
    private View save;

    private Uri photo; // null until the user opens one
    private Uri backgroundFile; // null if the background is not an image
    private Uri destination; // null if no file waits for the photo to be matted again
    private Background.Kind kind;
    private Bitmap backgroundImage;
    private MattedPhoto matted; // null until the photo was matted
    private Bitmap shown; // the image on the screen; null until the photo was matted

    /** What another instance of this screen takes over when the configuration changes. */
    private static final class Kept {
        final Bitmap backgroundImage;
        final MattedPhoto matted;
        final Bitmap shown;

        Kept(PhotoActivity from) {
            backgroundImage = from.backgroundImage;
            matted = from.matted;
            shown = from.shown;
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
        if (kind == Background.Kind.ORIGINAL) {
            kind = Background.Kind.CUT_OUT;
        }
        if (state != null) {
            restore(state);
        }
    }

    @Override
    protected void onSaveInstanceState(Bundle state) {
        super.onSaveInstanceState(state);
        state.putParcelable(PHOTO, photo);
        state.putString(KIND, kind.name());
        state.putParcelable(BACKGROUND, backgroundFile);
        state.putParcelable(DESTINATION, destination);
    }

    @Override
    @SuppressWarnings("deprecation") // without a library, nothing else keeps a large object
    public Object onRetainNonConfigurationInstance() {
        return new Kept(this);
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
            deleteDestination(); // it was made for the photo before
            openPhoto(uri);
        } else if (request == PICK_BACKGROUND) {
            new LoadBackgroundTask(this, uri).executeOnExecutor(AsyncTask.SERIAL_EXECUTOR);
        } else if (matted != null) {
            new SavePhotoTask(this, uri, matted, kind, backgroundImage).executeOnExecutor(AsyncTask.SERIAL_EXECUTOR);
        } else if (photo != null) {
            destination = uri; // Android ended the app behind the dialog: the photo is being matted again
        } else {
            new DeleteTask(this, uri).executeOnExecutor(AsyncTask.SERIAL_EXECUTOR);
        }
    }

    /** Takes over what another instance of this screen kept, and begins again what is lost. */
    @SuppressWarnings("deprecation") // as onRetainNonConfigurationInstance
    private void restore(Bundle state) {
        photo = state.<Uri>getParcelable(PHOTO);
        kind = Background.Kind.valueOf(state.getString(KIND, kind.name()));
        backgroundFile = state.<Uri>getParcelable(BACKGROUND);
        destination = state.<Uri>getParcelable(DESTINATION);
        Kept kept = (Kept) getLastNonConfigurationInstance();
        if (kept != null) {
            backgroundImage = kept.backgroundImage;
            matted = kept.matted;
            shown = kept.shown;
        }
        if (backgroundFile != null && backgroundImage == null) {
            // Before the photo, in the order of the executor.
            new LoadBackgroundTask(this, backgroundFile).executeOnExecutor(AsyncTask.SERIAL_EXECUTOR);
        }
        if (shown != null) {
            show(shown);
        }
        if (matted == null && photo != null) {
            openPhoto(photo);
        } else {
            startCompositing(); // the background may have changed after what is shown
        }
    }

    private void openPhoto(Uri uri) {
        photo = uri;
        matted = null;
        save.setEnabled(false);
        status.setText(R.string.working);
        new MattePhotoTask(this, uri).executeOnExecutor(AsyncTask.SERIAL_EXECUTOR);
    }

    private void chooseBackground() {
        final Background.Kind[] kinds = Background.Kind.OF_PHOTO;
        new AlertDialog.Builder(this).setTitle(R.string.background).setSingleChoiceItems(
                Background.Kind.labels(this, kinds), Arrays.asList(kinds).indexOf(kind),
                new DialogInterface.OnClickListener() {
                    @Override
                    public void onClick(DialogInterface dialog, int which) {
                        dialog.dismiss();
                        if (kinds[which] == Background.Kind.IMAGE) {
                            pick(PICK_BACKGROUND);
                        } else {
                            setBackground(kinds[which], null, null);
                        }
                    }
                }).show();
    }

    private void setBackground(Background.Kind newKind, Uri file, Bitmap image) {
        kind = newKind;
        backgroundFile = file;
        backgroundImage = image;
        startCompositing();
    }

    private void startCompositing() {
        if (matted != null) {
            new CompositeTask(this).executeOnExecutor(AsyncTask.SERIAL_EXECUTOR);
        }
    }

    private void show(Bitmap image) {
        shown = image;
        view.setImageBitmap(image);
        view.setContentDescription(getString(R.string.photo_shown));
        status.setText(matted == null ? "" : matted.about);
        save.setEnabled(matted != null);
    }

    private void setMatted(MattedPhoto photoWithAlpha) {
        matted = photoWithAlpha;
        startCompositing();
        if (destination != null) {
            Uri file = destination;
            destination = null;
            new SavePhotoTask(this, file, matted, kind, backgroundImage).executeOnExecutor(AsyncTask.SERIAL_EXECUTOR);
        }
    }

    /** Shows why there is no matte, and removes the empty file that the Save dialog made. */
    private void fail(String message) {
        status.setText(message);
        deleteDestination();
    }

    private void deleteDestination() {
        if (destination != null) {
            new DeleteTask(this, destination).executeOnExecutor(AsyncTask.SERIAL_EXECUTOR);
            destination = null;
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

    /** Reads a photo and computes its alpha. */
    private static final class MattePhotoTask extends ActivityTask<PhotoActivity, MattedPhoto> {
        private final Uri uri;

        MattePhotoTask(PhotoActivity activity, Uri uri) {
            super(activity);
            this.uri = uri;
        }

        @Override
        MattedPhoto runInBackground(Context context) throws Exception {
            return MattedPhoto.matte(context, uri);
        }

        @Override
        void onSuccess(PhotoActivity activity, MattedPhoto result) {
            if (uri.equals(activity.photo)) { // the user has opened no other one meanwhile
                activity.setMatted(result);
            }
        }

        @Override
        void onFailure(PhotoActivity activity, String message) {
            if (uri.equals(activity.photo)) {
                activity.fail(message);
            }
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
            return Images.read(context, uri, MAX_BACKGROUND_SIDE);
        }

        @Override
        void onSuccess(PhotoActivity activity, Bitmap image) {
            activity.setBackground(Background.Kind.IMAGE, uri, image);
        }

        @Override
        void onFailure(PhotoActivity activity, String message) {
            activity.status.setText(message);
        }
    }

    /** Composites the photo over the background, for the screen. */
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
            return Images.reduced(matted.composite(kind, backgroundImage), matted.height, matted.width);
        }

        @Override
        void onSuccess(PhotoActivity activity, Bitmap result) {
            if (matted == activity.matted) {
                activity.show(result);
            }
        }

        @Override
        void onFailure(PhotoActivity activity, String message) {
            activity.status.setText(message);
        }
    }

    /** Writes the composite or cut-out to a PNG file. */
    private static final class SavePhotoTask extends ActivityTask<PhotoActivity, Void> {
        private final Uri uri;
        private final MattedPhoto matted;
        private final Background.Kind kind;
        private final Bitmap backgroundImage;

        SavePhotoTask(PhotoActivity activity, Uri uri, MattedPhoto matted, Background.Kind kind,
                Bitmap backgroundImage) {
            super(activity);
            this.uri = uri;
            this.matted = matted;
            this.kind = kind;
            this.backgroundImage = backgroundImage;
        }

        @Override
        Void runInBackground(Context context) throws Exception {
            matted.save(context, uri, kind, backgroundImage);
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

    /** Removes a file that the Save dialog made, and that stays empty. */
    private static final class DeleteTask extends ActivityTask<PhotoActivity, Void> {
        private final Uri uri;

        DeleteTask(PhotoActivity activity, Uri uri) {
            super(activity);
            this.uri = uri;
        }

        @Override
        Void runInBackground(Context context) {
            MattedPhoto.delete(context, uri);
            return null;
        }

        @Override
        void onSuccess(PhotoActivity activity, Void nothing) {
            // The status keeps the reason why there is nothing to save.
        }

        @Override
        void onFailure(PhotoActivity activity, String message) {
            activity.status.setText(message);
        }
    }
}
