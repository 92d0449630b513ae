package ai.mmnet.demo;

import android.content.Context;
import android.graphics.Bitmap;
import android.graphics.BitmapFactory;
import android.graphics.Canvas;
import android.graphics.Matrix;
import android.graphics.Paint;
import android.media.ExifInterface;
import android.net.Uri;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import ai.mmnet.core.Compositor;

/** Photos from storage, upright and not too large. */
final class Pictures {
    private static final int MAX_BYTES = 128 << 20;

    private Pictures() {
    }

    /** The user's file is no picture; the message is one line. */
    static final class PictureException extends Exception {
        private static final long serialVersionUID = 1;

        PictureException(String message, Throwable cause) {
            super(message, cause);
        }
    }

    /** Decodes a picture, its longer side at most {@code maxSide}, turned as its EXIF says. */
    static Bitmap read(Context context, Uri uri, int maxSide) throws PictureException {
        String problem = context.getString(R.string.no_picture);
        // A copy: it is read three times, and other apps' streams can be read once.
        File copy = null;
        try (InputStream in = context.getContentResolver().openInputStream(uri)) {
            if (in == null) {
                throw new PictureException(problem, null);
            }
            copy = File.createTempFile("picture", null, context.getCacheDir());
            Streams.write(copy, Streams.readAll(in, MAX_BYTES));
            Bitmap decoded = decode(copy, maxSide);
            if (decoded == null) {
                throw new PictureException(problem, null);
            }
            return finish(decoded, exifMatrix(copy), maxSide);
        } catch (IOException | SecurityException error) {
            throw new PictureException(problem, error);
        } finally {
            if (copy != null) {
                copy.delete();
            }
        }
    }

    /** The picture scaled to cover height × width, cut evenly: 3 · height · width bytes. */
    static byte[] cover(Bitmap picture, int height, int width) {
        Bitmap covered = Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888);
        float scale = Math.max((float) width / picture.getWidth(), (float) height / picture.getHeight());
        Matrix matrix = new Matrix();
        matrix.setScale(scale, scale);
        matrix.postTranslate((width - scale * picture.getWidth()) / 2, (height - scale * picture.getHeight()) / 2);
        new Canvas(covered).drawBitmap(picture, matrix, new Paint(Paint.FILTER_BITMAP_FLAG));
        byte[] bytes = toRgb(covered);
        covered.recycle();
        return bytes;
    }

    /** The pixels of a bitmap: 3 bytes each. */
    static byte[] toRgb(Bitmap bitmap) {
        int[] argb = new int[bitmap.getWidth() * bitmap.getHeight()];
        bitmap.getPixels(argb, 0, bitmap.getWidth(), 0, 0, bitmap.getWidth(), bitmap.getHeight());
        byte[] rgb = new byte[3 * argb.length];
        Compositor.toRgb(argb, rgb);
        return rgb;
    }

    private static Bitmap decode(File file, int maxSide) {
        BitmapFactory.Options options = new BitmapFactory.Options();
        options.inJustDecodeBounds = true;
        BitmapFactory.decodeFile(file.getPath(), options);
        options.inJustDecodeBounds = false;
        options.inSampleSize = 1;
        while (Math.max(options.outWidth, options.outHeight) / (2 * options.inSampleSize) >= maxSide) {
            options.inSampleSize *= 2;
        }
        return BitmapFactory.decodeFile(file.getPath(), options);
    }

    private static Bitmap finish(Bitmap decoded, Matrix matrix, int maxSide) {
        int longer = Math.max(decoded.getWidth(), decoded.getHeight());
        if (longer > maxSide) {
            float scale = (float) maxSide / longer;
            matrix.postScale(scale, scale);
        }
        if (matrix.isIdentity()) {
            return decoded;
        }
        Bitmap turned = Bitmap.createBitmap(decoded, 0, 0, decoded.getWidth(), decoded.getHeight(), matrix, true);
        if (turned != decoded) {
            decoded.recycle();
        }
        return turned;
    }

    private static Matrix exifMatrix(File file) {
        Matrix matrix = new Matrix();
        int orientation;
        try {
            orientation = new ExifInterface(file.getPath()).getAttributeInt(ExifInterface.TAG_ORIENTATION, 1);
        } catch (IOException noExif) {
            return matrix;
        }
        switch (orientation) {
            case ExifInterface.ORIENTATION_FLIP_HORIZONTAL:
                matrix.setScale(-1, 1);
                break;
            case ExifInterface.ORIENTATION_ROTATE_180:
                matrix.setRotate(180);
                break;
            case ExifInterface.ORIENTATION_FLIP_VERTICAL:
                matrix.setScale(1, -1);
                break;
            case ExifInterface.ORIENTATION_TRANSPOSE:
                matrix.setRotate(90);
                matrix.postScale(-1, 1);
                break;
            case ExifInterface.ORIENTATION_ROTATE_90:
                matrix.setRotate(90);
                break;
            case ExifInterface.ORIENTATION_TRANSVERSE:
                matrix.setRotate(270);
                matrix.postScale(-1, 1);
                break;
            case ExifInterface.ORIENTATION_ROTATE_270:
                matrix.setRotate(270);
                break;
            default:
                break;
        }
        return matrix;
    }
}
