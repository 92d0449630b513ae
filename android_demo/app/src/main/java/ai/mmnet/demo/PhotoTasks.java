package ai.mmnet.demo;

import android.content.ActivityNotFoundException;
import android.content.Context;
import android.graphics.Bitmap;
import android.net.Uri;
import java.io.BufferedOutputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;

/** The background work of the {@link PhotoActivity}. */
final class PhotoTasks {
    private static final int MAX_BACKGROUND_SIDE = 2048;

    private PhotoTasks() {
    }

    /** Reads a photo and computes its alpha. */
    static final class MattePhotoTask extends ActivityTask<PhotoActivity, MattedPhoto> {
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
    static final class LoadBackgroundTask extends ActivityTask<PhotoActivity, Bitmap> {
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

    /** Does something with the photo before the background that is on the screen when the task is made. */
    abstract static class ResultTask<T> extends ActivityTask<PhotoActivity, T> {
        final MattedPhoto matted;
        final Background.Kind kind;
        final Bitmap backgroundImage;

        ResultTask(PhotoActivity activity) {
            super(activity);
            matted = activity.matted;
            kind = activity.kind;
            backgroundImage = activity.backgroundImage;
        }

        @Override
        void onFailure(PhotoActivity activity, String message) {
            activity.status.setText(message);
        }
    }

    /** Composites the photo over the background, for the screen. */
    static final class CompositeTask extends ResultTask<Bitmap> {
        CompositeTask(PhotoActivity activity) {
            super(activity);
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
    }

    /** Writes the composite or cut-out to a PNG file. */
    static final class SavePhotoTask extends ResultTask<Void> {
        private final Uri uri;

        SavePhotoTask(PhotoActivity activity, Uri uri) {
            super(activity);
            this.uri = uri;
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
    }

    /** Saves the composite or cut-out to the gallery. */
    static final class SaveToGalleryTask extends ResultTask<Void> {
        SaveToGalleryTask(PhotoActivity activity) {
            super(activity);
        }

        @Override
        Void runInBackground(Context context) throws IOException {
            Gallery.save(context, new Gallery.Writer() {
                @Override
                public void writeTo(OutputStream out) throws IOException {
                    matted.write(kind, backgroundImage, out);
                }
            });
            return null;
        }

        @Override
        void onSuccess(PhotoActivity activity, Void nothing) {
            activity.status.setText(R.string.saved_to_gallery);
        }
    }

    /** Writes the composite or cut-out to a file of this app, and lets the user send it to another app. */
    static final class ShareTask extends ResultTask<Uri> {
        ShareTask(PhotoActivity activity) {
            super(activity);
        }

        @Override
        Uri runInBackground(Context context) throws IOException {
            File file = SharedFiles.create(context);
            try (OutputStream out = new BufferedOutputStream(new FileOutputStream(file), 1 << 16)) {
                matted.write(kind, backgroundImage, out);
            }
            return SharedFiles.uriOf(file);
        }

        @Override
        void onSuccess(PhotoActivity activity, Uri uri) {
            activity.status.setText(matted == activity.matted ? matted.about : "");
            try {
                activity.startActivity(SharedFiles.send(activity, uri));
            } catch (ActivityNotFoundException error) {
                activity.status.setText(R.string.no_picker);
            }
        }
    }

    /** Removes a file that the Save dialog made, and that stays empty. */
    static final class DeleteTask extends ActivityTask<PhotoActivity, Void> {
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
