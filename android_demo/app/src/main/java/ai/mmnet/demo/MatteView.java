package ai.mmnet.demo;

import android.content.Context;
import android.graphics.Bitmap;
import android.graphics.Canvas;
import android.graphics.Paint;
import android.graphics.Rect;
import android.util.AttributeSet;
import android.view.View;

/** Shows the frames that another thread hands it, as large as they fit. */
public final class MatteView extends View {
    private final Paint paint = new Paint(Paint.FILTER_BITMAP_FLAG);
    private final Rect place = new Rect();
    private Bitmap bitmap; // guarded by this

    public MatteView(Context context, AttributeSet attributes) {
        super(context, attributes);
    }

    /** Shows a frame; from any thread. The pixels are copied: argb holds height · width of them. */
    void show(int[] argb, int height, int width) {
        synchronized (this) {
            if (bitmap == null || bitmap.getWidth() != width || bitmap.getHeight() != height) {
                bitmap = Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888);
            }
            bitmap.setPixels(argb, 0, width, 0, 0, width, height);
        }
        postInvalidate();
    }

    /** Shows nothing. */
    void clear() {
        synchronized (this) {
            bitmap = null;
        }
        postInvalidate();
    }

    @Override
    protected void onDraw(Canvas canvas) {
        synchronized (this) {
            if (bitmap == null) {
                return;
            }
            float scale = Math.min((float) getWidth() / bitmap.getWidth(), (float) getHeight() / bitmap.getHeight());
            int width = Math.round(scale * bitmap.getWidth());
            int height = Math.round(scale * bitmap.getHeight());
            int left = (getWidth() - width) / 2;
            int top = (getHeight() - height) / 2;
            place.set(left, top, left + width, top + height);
            canvas.drawBitmap(bitmap, null, place, paint);
        }
    }
}
