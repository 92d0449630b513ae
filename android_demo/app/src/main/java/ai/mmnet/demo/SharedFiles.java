package ai.mmnet.demo;

import android.content.ClipData;
import android.content.ContentProvider;
import android.content.ContentValues;
import android.content.Context;
import android.content.Intent;
import android.database.Cursor;
import android.database.MatrixCursor;
import android.net.Uri;
import android.os.ParcelFileDescriptor;
import android.provider.OpenableColumns;
import java.io.File;
import java.io.FileNotFoundException;
import java.io.IOException;

/**
 * Gives other apps the PNG files that the user shares with them, and this app's screens the ones that they hand on. Other
 * apps can read a file only with a permission that comes with its URI.
 */
public final class SharedFiles extends ContentProvider {
    private static final String AUTHORITY = "ai.mmnet.demo.shared"; // as in the manifest

    /**
     * Makes an empty file that can be shared, and removes those that are more than a day old.
     *
     * @throws IOException there is no room for it; its message is one line for the user.
     */
    static File create(Context context) throws IOException {
        try {
            return new SharedFolder(context.getCacheDir()).create(System.currentTimeMillis());
        } catch (IOException error) {
            throw new IOException(context.getString(R.string.not_written), error);
        }
    }

    /** Returns the URI of a file that {@link #create} made. */
    static Uri uriOf(File file) {
        return new Uri.Builder().scheme("content").authority(AUTHORITY).appendPath(file.getName()).build();
    }

    /** Returns the intent that lets the user choose an app, and gives this app the file. */
    static Intent send(Context context, Uri uri) {
        Intent intent = new Intent(Intent.ACTION_SEND);
        intent.setType("image/png");
        intent.putExtra(Intent.EXTRA_STREAM, uri);
        intent.setClipData(ClipData.newRawUri("", uri)); // the permission goes along with the clip
        intent.addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION);
        return Intent.createChooser(intent, context.getString(R.string.share));
    }

    @Override
    public boolean onCreate() {
        return true;
    }

    @Override
    public String getType(Uri uri) {
        return "image/png";
    }

    @Override
    public ParcelFileDescriptor openFile(Uri uri, String mode) throws FileNotFoundException {
        if (!"r".equals(mode)) {
            throw new SecurityException("shared files can only be read");
        }
        return ParcelFileDescriptor.open(file(uri), ParcelFileDescriptor.MODE_READ_ONLY);
    }

    @Override
    public Cursor query(Uri uri, String[] projection, String selection, String[] arguments, String order) {
        File file;
        try {
            file = file(uri);
        } catch (FileNotFoundException error) {
            return null;
        }
        String[] columns = projection == null ? new String[] {OpenableColumns.DISPLAY_NAME, OpenableColumns.SIZE}
                : projection;
        Object[] row = new Object[columns.length];
        for (int i = 0; i < columns.length; i++) {
            if (OpenableColumns.DISPLAY_NAME.equals(columns[i])) {
                row[i] = file.getName();
            } else if (OpenableColumns.SIZE.equals(columns[i])) {
                row[i] = file.length();
            }
        }
        MatrixCursor cursor = new MatrixCursor(columns, 1);
        cursor.addRow(row);
        return cursor;
    }

    @Override
    public Uri insert(Uri uri, ContentValues values) {
        throw new SecurityException("shared files can only be read");
    }

    @Override
    public int delete(Uri uri, String selection, String[] arguments) {
        throw new SecurityException("shared files can only be read");
    }

    @Override
    public int update(Uri uri, ContentValues values, String selection, String[] arguments) {
        throw new SecurityException("shared files can only be read");
    }

    private File file(Uri uri) throws FileNotFoundException {
        return new SharedFolder(getContext().getCacheDir()).find(uri.getLastPathSegment());
    }
}
