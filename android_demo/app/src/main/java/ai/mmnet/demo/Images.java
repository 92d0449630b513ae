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
import ai.mmnet.matting.Bitmaps;

/** Reads images from storage and converts them to RGB bytes. */
final class Images {
    private static final int MAX_BYTES = 128 << 20;
    private static final int MAX_SHOWN_SIDE = 2048;
    private static final int UNKNOWN_SIDE = 1 << 14;

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
            Streams.write(copy, in, MAX_BYTES);
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

    /** Returns the longer side of an image in pixels; a large number if it is unknown. */
    static int longerSide(Context context, Uri uri) {
        BitmapFactory.Options options = new BitmapFactory.Options();
        options.inJustDecodeBounds = true;
        try (InputStream in = context.getContentResolver().openInputStream(uri)) {
            BitmapFactory.decodeStream(in, null, options);
        } catch (IOException | SecurityException error) {
            return UNKNOWN_SIDE;
        }
        return options.outWidth < 1 ? UNKNOWN_SIDE : Math.max(options.outWidth, options.outHeight);
    }

    /**
     * Returns a bitmap for the screen, whose longer side has at most {@link #MAX_SHOWN_SIDE} pixels. Larger bitmaps cannot
     * be drawn on every device. Each pixel is the mean of a square of pixels, weighted by their alpha.
     *
     * @param argb height · width pixels with straight alpha.
     */
    static Bitmap reduced(int[] argb, int height, int width) {
        int side = (Math.max(height, width) + MAX_SHOWN_SIDE - 1) / MAX_SHOWN_SIDE;
        if (side == 1) {
            return Bitmap.createBitmap(argb, width, height, Bitmap.Config.ARGB_8888);
        }
        int rows = Math.max(1, height / side);
        int columns = Math.max(1, width / side);
        int[] small = new int[rows * columns];
        for (int y = 0; y < rows; y++) {
            for (int x = 0; x < columns; x++) {
                small[y * columns + x] = mean(argb, y * side, Math.min(height, (y + 1) * side), x * side,
                        Math.min(width, (x + 1) * side), width);
            }
        }
        return Bitmap.createBitmap(small, columns, rows, Bitmap.Config.ARGB_8888);
    }

    /** Returns the mean of a rectangle of pixels, weighted by their alpha. */
    private static int mean(int[] argb, int top, int bottom, int left, int right, int width) {
        long alpha = 0;
        long red = 0;
        long green = 0;
        long blue = 0;
        for (int y = top; y < bottom; y++) {
            for (int x = left; x < right; x++) {
                int pixel = argb[y * width + x];
                int weight = pixel >>> 24;
                alpha += weight;
                red += weight * (pixel >> 16 & 255);
                green += weight * (pixel >> 8 & 255);
                blue += weight * (pixel & 255);
            }
        }
        if (alpha == 0) {
            return 0;
        }
        int opacity = (int) (alpha / ((long) (bottom - top) * (right - left)));
        return opacity << 24 | (int) (red / alpha) << 16 | (int) (green / alpha) << 8 | (int) (blue / alpha);
    }

    /** Returns the RGB bytes of a bitmap, 3 per pixel. */
    static byte[] toRgb(Bitmap bitmap) {
        byte[] rgb = new byte[3 * bitmap.getWidth() * bitmap.getHeight()];
        Bitmaps.toRgb(bitmap, rgb);
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
