package android.media;

import java.util.ArrayDeque;
import java.util.Deque;

/** A replacement for Android's class that runs on the JVM. The test adds the frames that wait. */
public final class ImageReader {
    public final Deque<Image> waiting = new ArrayDeque<>();
    public boolean isFull;

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
