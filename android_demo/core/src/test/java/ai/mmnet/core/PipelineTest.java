package ai.mmnet.core;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.Random;
import org.junit.Test;

public class PipelineTest {
    private static final int HEIGHT = 97;
    private static final int WIDTH = 131;

    /** Its alpha is the input's red. */
    private static final class Red implements AlphaModel {
        @Override
        public int size() {
            return 32;
        }

        @Override
        public void run(byte[] input, byte[] alpha) {
            for (int i = 0; i < alpha.length; i++) {
                alpha[i] = input[3 * i];
            }
        }
    }

    private static YuvFrame frame(int seed) {
        Random random = new Random(seed);
        ByteBuffer[] planes = new ByteBuffer[3];
        int[] lengths = {HEIGHT * WIDTH, 49 * 140, 49 * 140};
        for (int i = 0; i < 3; i++) {
            byte[] bytes = new byte[lengths[i]];
            random.nextBytes(bytes);
            planes[i] = ByteBuffer.allocateDirect(bytes.length);
            planes[i].put(bytes);
        }
        YuvFrame frame = new YuvFrame(HEIGHT, WIDTH);
        frame.set(planes[0], WIDTH, 1, planes[1], 140, 2, planes[2], 140, 2);
        return frame;
    }

    @Test
    public void aFrameLeavesNothingBehindInTheNext() {
        for (Fit fit : Fit.values()) {
            Orientation orientation = new Orientation(HEIGHT, WIDTH, 90, true);
            MattePipeline used = new MattePipeline(orientation, new Red(), fit);
            MattePipeline fresh = new MattePipeline(orientation, new Red(), fit);
            used.run(frame(1));
            used.run(frame(2));
            fresh.run(frame(2));
            assertArrayEquals(fresh.picture, used.picture);
            assertArrayEquals(fresh.alpha, used.alpha);
        }
    }

    @Test
    public void aPhotoIsMattedLikeTheFrameOfTheSameBytes() {
        Orientation orientation = new Orientation(HEIGHT, WIDTH, 0, false);
        MattePipeline camera = new MattePipeline(orientation, new Red(), Fit.CROP);
        MattePipeline photo = new MattePipeline(orientation, new Red(), Fit.CROP);
        camera.run(frame(3));
        System.arraycopy(camera.picture, 0, photo.picture, 0, photo.picture.length);
        photo.runOnPicture();
        assertArrayEquals(camera.alpha, photo.alpha);
    }

    @Test
    public void nothingIsAllocatedPerFrame() {
        Orientation orientation = new Orientation(HEIGHT, WIDTH, 270, true);
        MattePipeline pipeline = new MattePipeline(orientation, new Red(), Fit.LETTERBOX);
        Backdrop backdrop = new Backdrop(orientation.height, orientation.width);
        YuvFrame frame = frame(4);
        byte[] behind = new byte[pipeline.picture.length];
        byte[] sensorAlpha = new byte[pipeline.alpha.length];
        int[] argb = new int[pipeline.alpha.length];
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long thread = Thread.currentThread().getId();
        long allocated = 0;
        int frames = 50;
        for (int i = 0; i < 2; i++) { // the second round counts: classes are loaded, rows have grown
            long before = threads.getThreadAllocatedBytes(thread);
            for (int j = 0; j < frames; j++) {
                pipeline.run(frame);
                orientation.undo(pipeline.alpha, sensorAlpha);
                backdrop.run(pipeline.picture, pipeline.alpha, behind);
                Compositor.over(pipeline.picture, pipeline.alpha, behind, argb);
            }
            allocated = threads.getThreadAllocatedBytes(thread) - before;
        }
        // No object is smaller than 16 bytes; asking how much was allocated allocates a little itself.
        assertTrue(allocated + " bytes in " + frames + " frames", allocated < 16 * frames);
    }

    @Test
    public void aFrameOfAnotherSizeIsRefused() {
        MattePipeline pipeline = new MattePipeline(new Orientation(WIDTH, HEIGHT, 0, false), new Red(), Fit.CROP);
        assertThrows(IllegalArgumentException.class, () -> pipeline.run(frame(1)));
    }

    @Test
    public void aBufferShorterThanItsStridesIsRefused() {
        YuvFrame frame = new YuvFrame(3, 3);
        ByteBuffer luma = ByteBuffer.allocate(9);
        ByteBuffer chroma = ByteBuffer.allocate(4);
        frame.set(luma, 3, 1, chroma, 2, 1, chroma, 2, 1);
        String message = assertThrows(IllegalArgumentException.class,
                () -> frame.set(luma, 3, 1, chroma, 3, 1, chroma, 2, 1)).getMessage();
        assertEquals("plane U has 4 bytes; its strides take 5", message);
        assertThrows(IllegalArgumentException.class, () -> frame.set(luma, 0, 1, chroma, 2, 1, chroma, 2, 1));
        assertThrows(IllegalArgumentException.class,
                () -> frame.set(luma, Integer.MAX_VALUE, 1, chroma, 2, 1, chroma, 2, 1));
    }

    @Test
    public void sidesBeyond32BitsAreRefused() {
        new Resampler(1, 65535, 1, 1, 1);
        assertThrows(IllegalArgumentException.class, () -> new Resampler(1, 65536, 1, 1, 1));
        assertThrows(IllegalArgumentException.class, () -> new Resampler(5000, 1, 5000, 1, 1));
        assertThrows(IllegalArgumentException.class, () -> new Resampler(1, 1, 0, 1, 1));
    }

    @Test
    public void otherAnglesAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> new Orientation(4, 4, 45, false));
    }
}
