package android.media;

import android.os.Handler;
import android.view.Surface;
import java.util.ArrayDeque;
import java.util.Deque;

/** A replacement for Android's class that runs on the JVM. The test adds the frames that wait. */
public final class ImageReader {
    /** The readers that {@link #newInstance} made and that are not closed. */
    public static final Deque<ImageReader> OPEN = new ArrayDeque<>();

    public final Deque<Image> waiting = new ArrayDeque<>();
    public boolean isFull;
    public int width;
    public int height;
    private OnImageAvailableListener listener;

    /** Learns of a frame. */
    public interface OnImageAvailableListener {
        void onImageAvailable(ImageReader reader);
    }

    public static ImageReader newInstance(int width, int height, int format, int images) {
        ImageReader reader = new ImageReader();
        reader.width = width;
        reader.height = height;
        OPEN.add(reader);
        return reader;
    }

    public void setOnImageAvailableListener(OnImageAvailableListener newListener, Handler handler) {
        listener = newListener;
    }

    /** Tells the listener that frames wait. */
    public void deliver() {
        listener.onImageAvailable(this);
    }

    public Surface getSurface() {
        return new Surface();
    }

    public void close() {
        OPEN.remove(this);
    }

    public Image acquireLatestImage() {
        if (isFull) {
            throw new IllegalStateException("all buffers are in use");
        }
        while (waiting.size() > 1) {
            waiting.removeFirst().close();
        }
        return waiting.pollFirst();
    }
}
