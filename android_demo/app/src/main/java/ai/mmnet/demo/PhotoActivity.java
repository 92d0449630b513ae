package ai.mmnet.demo;

import android.app.Activity;
import android.app.AlertDialog;
import android.content.ContentResolver;
import android.content.Context;
import android.content.DialogInterface;
import android.content.Intent;
import android.graphics.Bitmap;
import android.net.Uri;
import android.os.AsyncTask;
import android.os.Bundle;
import android.os.Parcelable;
import android.view.View;
import android.widget.ImageView;
import android.widget.TextView;
import java.util.Arrays;

/**
 * The screen that mattes a photo at its own size, composites it over another background, and saves or shares the result.
 * The photo is chosen by the user, shared by another app, or taken by the live screen ({@link #intent}). It is kept when
 * the screen is turned or its theme changes, and read again after Android ended the app in the background.
 */
public final class PhotoActivity extends Activity implements View.OnClickListener {
    private static final int PICK_PHOTO = 1;
    private static final int PICK_BACKGROUND = 2;
    private static final int SAVE = 3;

    private static final String PHOTO = "photo"; // keys of the saved state
    private static final String KIND = "kind";
    private static final String BACKGROUND = "background";
    private static final String DESTINATION = "destination";

    private ImageView view;
    TextView status;
    private View save;
    private View share;

    Uri photo; // null until the user opens one
    private Uri backgroundFile; // null if the background is not an image
    private Uri destination; // null if no file waits for the photo to be matted again
    Background.Kind kind;
    Bitmap backgroundImage;
    MattedPhoto matted; // null until the photo was matted
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

    /** Returns the intent that opens this screen with an image of this app. */
    static Intent intent(Context context, Uri image) {
        return new Intent(context, PhotoActivity.class).setData(image);
    }

    @Override
    protected void onCreate(Bundle state) {
        super.onCreate(state);
        setContentView(R.layout.photo);
        ScreenEdges.pad(this);
        view = (ImageView) findViewById(R.id.image);
        status = (TextView) findViewById(R.id.status);
        save = findViewById(R.id.save);
        findViewById(R.id.open).setOnClickListener(this);
        findViewById(R.id.background).setOnClickListener(this);
        save.setOnClickListener(this);
        share = findViewById(R.id.share);
        share.setOnClickListener(this);
        kind = new UserPreferences(this).background();
        if (kind == Background.Kind.ORIGINAL) {
            kind = Background.Kind.CUT_OUT;
        }
        if (state != null) {
            restore(state);
            return;
        }
        Uri given = given(getIntent());
        if (given != null) {
            openPhoto(given);
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
        } else if (clicked.getId() == R.id.share) {
            begin(new PhotoTasks.ShareTask(this));
        } else if (Gallery.isOpen()) {
            chooseDestination();
        } else {
            saveToFile();
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
            new PhotoTasks.LoadBackgroundTask(this, uri).executeOnExecutor(AsyncTask.SERIAL_EXECUTOR);
        } else if (matted != null) {
            begin(new PhotoTasks.SavePhotoTask(this, uri));
        } else if (photo != null) {
            destination = uri; // Android ended the app behind the dialog: the photo is being matted again
        } else {
            new PhotoTasks.DeleteTask(this, uri).executeOnExecutor(AsyncTask.SERIAL_EXECUTOR);
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
            new PhotoTasks.LoadBackgroundTask(this, backgroundFile).executeOnExecutor(AsyncTask.SERIAL_EXECUTOR);
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
        enableResults(false);
        status.setText(R.string.working);
        new PhotoTasks.MattePhotoTask(this, uri).executeOnExecutor(AsyncTask.SERIAL_EXECUTOR);
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

    void setBackground(Background.Kind newKind, Uri file, Bitmap image) {
        kind = newKind;
        backgroundFile = file;
        backgroundImage = image;
        startCompositing();
    }

    private void startCompositing() {
        if (matted != null) {
            new PhotoTasks.CompositeTask(this).executeOnExecutor(AsyncTask.SERIAL_EXECUTOR);
        }
    }

    void show(Bitmap image) {
        shown = image;
        view.setImageBitmap(image);
        view.setContentDescription(getString(R.string.photo_shown));
        status.setText(matted == null ? "" : matted.about);
        enableResults(matted != null);
    }

    private void enableResults(boolean enabled) {
        save.setEnabled(enabled);
        share.setEnabled(enabled);
    }

    void setMatted(MattedPhoto photoWithAlpha) {
        matted = photoWithAlpha;
        startCompositing();
        if (destination != null) {
            Uri file = destination;
            destination = null;
            begin(new PhotoTasks.SavePhotoTask(this, file));
        }
    }

    /** Shows why there is no matte, and removes the empty file that the Save dialog made. */
    void fail(String message) {
        status.setText(message);
        deleteDestination();
    }

    private void deleteDestination() {
        if (destination != null) {
            new PhotoTasks.DeleteTask(this, destination).executeOnExecutor(AsyncTask.SERIAL_EXECUTOR);
            destination = null;
        }
    }

    /** Returns the image that another app shares, or that another screen of this app opens; null if there is none. */
    private static Uri given(Intent intent) {
        Object given = Intent.ACTION_SEND.equals(intent.getAction())
                ? intent.<Parcelable>getParcelableExtra(Intent.EXTRA_STREAM) : intent.getData();
        Uri uri = given instanceof Uri ? (Uri) given : null; // the other app may send anything
        // A path could name this app's own files, which the other app must not choose.
        return uri != null && ContentResolver.SCHEME_CONTENT.equals(uri.getScheme()) ? uri : null;
    }

    /** Lets the user choose an image. */
    private void pick(int request) {
        if (!Pickers.pickImage(this, request)) {
            status.setText(R.string.no_picker);
        }
    }

    /** Lets the user choose between the gallery and a file. */
    private void chooseDestination() {
        CharSequence[] places = {getString(R.string.to_gallery), getString(R.string.to_file)};
        new AlertDialog.Builder(this).setTitle(R.string.save).setItems(places, new DialogInterface.OnClickListener() {
            @Override
            public void onClick(DialogInterface dialog, int which) {
                if (which == 1) {
                    saveToFile();
                } else if (matted != null) {
                    begin(new PhotoTasks.SaveToGalleryTask(PhotoActivity.this));
                }
            }
        }).show();
    }

    private void saveToFile() {
        if (!Pickers.createPng(this, Gallery.newName(), SAVE)) {
            status.setText(R.string.no_picker);
        }
    }

    private void begin(PhotoTasks.ResultTask<?> task) {
        status.setText(R.string.working);
        task.executeOnExecutor(AsyncTask.SERIAL_EXECUTOR);
    }
}
