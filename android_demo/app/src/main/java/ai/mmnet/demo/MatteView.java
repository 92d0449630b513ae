package ai.mmnet.demo;

import android.content.Context;
import android.graphics.Bitmap;
import android.graphics.Canvas;
import android.graphics.Paint;
import android.graphics.Rect;
import android.util.AttributeSet;
import android.view.View;

/** A view of the frames that another thread computes, scaled to fit the view. */
public final class MatteView extends View {
    private final Paint paint = new Paint(Paint.FILTER_BITMAP_FLAG);
    private final Rect destination = new Rect();
    private Bitmap bitmap; // guarded by this
    private volatile int shownWidth; // 0 before the first layout
    private volatile int shownHeight;

    /** Creates the view from a layout file. */
    public MatteView(Context context, AttributeSet attributes) {
        super(context, attributes);
    }

    /**
     * Shows a frame. Any thread may call this.
     *
     * @param argb height · width pixels, which are copied.
     */
    void show(int[] argb, int height, int width) {
        synchronized (this) {
            if (bitmap == null || bitmap.getWidth() != width || bitmap.getHeight() != height) {
                bitmap = Bitmap.createBitmap(width, height, Bitmap.Config.ARGB_8888);
            }
            bitmap.setPixels(argb, 0, width, 0, 0, width, height);
        }
        postInvalidate();
    }

    /** Returns the width of the view in pixels; 0 before its first layout. Any thread may call this. */
    int shownWidth() {
        return shownWidth;
    }

    /** Returns the height of the view in pixels; 0 before its first layout. Any thread may call this. */
    int shownHeight() {
        return shownHeight;
    }

    /** Removes the frame from the view. Any thread may call this. */
    void clear() {
        synchronized (this) {
            bitmap = null;
        }
        postInvalidate();
    }

    @Override
    protected void onSizeChanged(int width, int height, int oldWidth, int oldHeight) {
        super.onSizeChanged(width, height, oldWidth, oldHeight);
        shownWidth = width;
        shownHeight = height;
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
            destination.set(left, top, left + width, top + height);
            canvas.drawBitmap(bitmap, null, destination, paint);
        }
    }
}
