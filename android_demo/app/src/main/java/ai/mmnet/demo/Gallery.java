package ai.mmnet.demo;

import android.content.ContentResolver;
import android.content.ContentValues;
import android.content.Context;
import android.net.Uri;
import android.os.Build;
import android.os.Environment;
import android.provider.MediaStore;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.text.SimpleDateFormat;
import java.util.Date;
import java.util.Locale;

/** Saves images to the device's gallery, in Pictures/MMNet. It needs no permission from Android 10 on. */
final class Gallery {
    private static final int API_WITHOUT_PERMISSION = 29;
    private static final String RELATIVE_PATH = "relative_path"; // columns of MediaStore, since API 29
    private static final String IS_PENDING = "is_pending";

    /** Writes an image to a stream. */
    interface Writer {
        void writeTo(OutputStream out) throws IOException;
    }

    private Gallery() {
    }

    /** Returns whether this Android lets an app save to the gallery without a permission. */
    static boolean isOpen() {
        return Build.VERSION.SDK_INT >= API_WITHOUT_PERMISSION;
    }

    /** Returns a name for a new PNG file: the time. */
    static String newName() {
        return "mmnet-" + new SimpleDateFormat("yyyyMMdd-HHmmss", Locale.ROOT).format(new Date()) + ".png";
    }

    /**
     * Saves a PNG. Other apps see it when it is complete; if it cannot be written, nothing stays.
     *
     * @throws IOException the gallery takes no image; its message is one line for the user.
     */
    static void save(Context context, Writer writer) throws IOException {
        ContentResolver resolver = context.getContentResolver();
        ContentValues values = new ContentValues();
        values.put(MediaStore.MediaColumns.DISPLAY_NAME, newName());
        values.put(MediaStore.MediaColumns.MIME_TYPE, "image/png");
        values.put(RELATIVE_PATH, Environment.DIRECTORY_PICTURES + "/MMNet");
        values.put(IS_PENDING, 1);
        Uri uri = null;
        boolean isSaved = false;
        try {
            uri = resolver.insert(MediaStore.Images.Media.EXTERNAL_CONTENT_URI, values);
            OutputStream out = uri == null ? null : resolver.openOutputStream(uri);
            if (out == null) {
                throw new IOException("the gallery gives no stream");
            }
            try (OutputStream buffered = new BufferedOutputStream(out, 1 << 16)) {
                writer.writeTo(buffered);
            }
            ContentValues complete = new ContentValues();
            complete.put(IS_PENDING, 0);
            resolver.update(uri, complete, null, null);
            isSaved = true;
        } catch (IOException | RuntimeException error) { // a provider throws anything
            throw new IOException(context.getString(R.string.not_in_gallery), error);
        } finally {
            if (!isSaved && uri != null) {
                resolver.delete(uri, null, null);
            }
        }
    }
}
