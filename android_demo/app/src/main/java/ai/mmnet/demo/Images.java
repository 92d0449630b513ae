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

/** Reads images from storage and converts them to RGB bytes. */
final class Images {
    private static final int MAX_BYTES = 128 << 20;

    private Images() {
    }

    /** Thrown when a file is not an image that can be read. The message is one line for the user. */
    static final class ImageException extends Exception {
        private static final long serialVersionUID = 1;

        ImageException(String message, Throwable cause) {
            super(message, cause);
        }
    }

    /**
     * Reads an image and turns it upright by its EXIF orientation.
     *
     * @param maxSide limit of the longer side in pixels; larger images are scaled down.
     * @throws ImageException the file is not an image that Android can read.
     */
    static Bitmap read(Context context, Uri uri, int maxSide) throws ImageException {
        String problem = context.getString(R.string.not_an_image);
        // The file is read three times, but the stream of another app can be read only once: copy it first.
        File copy = null;
        try (InputStream in = context.getContentResolver().openInputStream(uri)) {
            if (in == null) {
                throw new ImageException(problem, null);
            }
            copy = File.createTempFile("image", null, context.getCacheDir());
            Streams.write(copy, Streams.readAll(in, MAX_BYTES));
            Bitmap decoded = decode(copy, maxSide);
            if (decoded == null) {
                throw new ImageException(problem, null);
            }
            return turnAndScale(decoded, exifMatrix(copy), maxSide);
        } catch (IOException | SecurityException error) {
            throw new ImageException(problem, error);
        } finally {
            if (copy != null) {
                copy.delete();
            }
        }
    }

    /**
     * Scales an image to cover height × width, and crops it evenly on opposite sides.
     *
     * @return 3 · height · width RGB bytes.
     */
    static byte[] cover(Bitmap image, int height, int width) {
        Bitmap covered = Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888);
        float scale = Math.max((float) width / image.getWidth(), (float) height / image.getHeight());
        Matrix matrix = new Matrix();
        matrix.setScale(scale, scale);
        matrix.postTranslate((width - scale * image.getWidth()) / 2, (height - scale * image.getHeight()) / 2);
        new Canvas(covered).drawBitmap(image, matrix, new Paint(Paint.FILTER_BITMAP_FLAG));
        byte[] bytes = toRgb(covered);
        covered.recycle();
        return bytes;
    }

    /** Returns the RGB bytes of a bitmap, 3 per pixel. */
    static byte[] toRgb(Bitmap bitmap) {
        int[] argb = new int[bitmap.getWidth() * bitmap.getHeight()];
        bitmap.getPixels(argb, 0, bitmap.getWidth(), 0, 0, bitmap.getWidth(), bitmap.getHeight());
        byte[] rgb = new byte[3 * argb.length];
        Compositor.toRgb(argb, rgb);
        return rgb;
    }

    /** Decodes an image, scaled down by a power of two if it is much larger than {@code maxSide}. */
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

    /** Applies a matrix to an image, and scales it so that its longer side is at most {@code maxSide}. */
    private static Bitmap turnAndScale(Bitmap decoded, Matrix matrix, int maxSide) {
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

    /** Returns the matrix that turns an image upright by its EXIF orientation. */
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
