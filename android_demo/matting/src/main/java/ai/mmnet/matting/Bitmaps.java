package ai.mmnet.matting;

import ai.mmnet.core.Compositor;
import android.graphics.Bitmap;
import androidx.annotation.NonNull;

/** Converts bitmaps to the bytes that the core works on. */
public final class Bitmaps {
    private static final String HARDWARE = "HARDWARE"; // of Bitmap.Config, since API 26: getPixels cannot read it
    private static final int STRIP_PIXELS = 1 << 18; // pixels that are copied at once, to save memory

    private Bitmaps() {
    }

    /**
     * Writes the colours of a bitmap as bytes: R, G, B of each pixel. Its alpha is ignored.
     *
     * @param rgb receives 3 · height · width bytes.
     */
    public static void toRgb(@NonNull Bitmap bitmap, @NonNull byte[] rgb) {
        if (HARDWARE.equals(String.valueOf(bitmap.getConfig()))) {
            Bitmap copy = bitmap.copy(Bitmap.Config.ARGB_8888, false);
            toRgb(copy, rgb);
            copy.recycle();
            return;
        }
        int width = bitmap.getWidth();
        int height = bitmap.getHeight();
        int rows = Math.min(height, Math.max(1, STRIP_PIXELS / width));
        int[] argb = new int[rows * width];
        byte[] strip = new byte[3 * rows * width];
        for (int top = 0; top < height; top += rows) {
            int count = Math.min(rows, height - top);
            bitmap.getPixels(argb, 0, width, 0, top, width, count);
            Compositor.toRgb(argb, strip); // the last strip may be shorter: its rest is ignored
            System.arraycopy(strip, 0, rgb, 3 * top * width, 3 * count * width);
        }
    }
}
