package ai.mmnet.core;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import org.junit.Test;

/** Tests of the pipeline from a camera frame to a composite, and of its refusals. */
public class PipelineTest {
    private static final int HEIGHT = 97;
    private static final int WIDTH = 131;
    private static final int SIZE = 32;

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
    public void aFrameDoesNotChangeTheResultOfTheNext() {
        for (Fit fit : Fit.values()) {
            if (fit == Fit.AUTO) {
                continue; // the crop follows the people; aPhotoDoesNotChangeTheResultOfTheNext tests photos
            }
            Orientation orientation = new Orientation(HEIGHT, WIDTH, 90, true);
            MattePipeline used = new MattePipeline(orientation, new RedChannelModel(SIZE), fit, Profile.FINE);
            MattePipeline fresh = new MattePipeline(orientation, new RedChannelModel(SIZE), fit, Profile.FINE);
            used.run(frame(1));
            used.run(frame(2));
            fresh.run(frame(2));
            assertArrayEquals(fresh.image, used.image);
            assertArrayEquals(fresh.alpha, used.alpha);
        }
    }

    @Test
    public void aPhotoDoesNotChangeTheResultOfTheNext() {
        Orientation orientation = new Orientation(HEIGHT, WIDTH, 0, false);
        MattePipeline used = new MattePipeline(orientation, new RedChannelModel(SIZE), Fit.AUTO, Profile.FINE);
        MattePipeline fresh = new MattePipeline(orientation, new RedChannelModel(SIZE), Fit.AUTO, Profile.FINE);
        for (int x = 10; x < 100; x += 40) {
            Arrays.fill(used.image, (byte) 0);
            for (int y = 30; y < 70; y++) {
                Arrays.fill(used.image, 3 * (y * WIDTH + x), 3 * (y * WIDTH + x + 20), (byte) 200);
            }
            used.runOnImage();
        }
        System.arraycopy(used.image, 0, fresh.image, 0, used.image.length);
        fresh.runOnImage();
        assertArrayEquals(fresh.alpha, used.alpha);
    }

    @Test
    public void aPhotoAndAFrameOfTheSameBytesGiveTheSameAlpha() {
        Orientation orientation = new Orientation(HEIGHT, WIDTH, 0, false);
        MattePipeline camera = new MattePipeline(orientation, new RedChannelModel(SIZE), Fit.CROP, Profile.FINE);
        MattePipeline photo = new MattePipeline(orientation, new RedChannelModel(SIZE), Fit.CROP, Profile.FINE);
        camera.run(frame(3));
        System.arraycopy(camera.image, 0, photo.image, 0, photo.image.length);
        photo.runOnImage();
        assertArrayEquals(camera.alpha, photo.alpha);
    }

    @Test
    public void nothingIsAllocatedPerFrame() {
        Orientation orientation = new Orientation(HEIGHT, WIDTH, 270, true);
        MattePipeline pipeline = new MattePipeline(orientation, new RedChannelModel(SIZE), Fit.LETTERBOX, Profile.FINE);
        BlurredBackground blurredBackground = new BlurredBackground(orientation.height, orientation.width);
        Compositor compositor = new Compositor(orientation.height, orientation.width, Profile.FINE);
        YuvFrame frame = frame(4);
        byte[] background = new byte[pipeline.image.length];
        byte[] sensorAlpha = new byte[pipeline.alpha.length];
        int[] argb = new int[pipeline.alpha.length];
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long thread = Thread.currentThread().getId();
        long allocated = 0;
        int frames = 50;
        for (int i = 0; i < 2; i++) { // the second round counts: by then classes are loaded and row buffers allocated
            long before = threads.getThreadAllocatedBytes(thread);
            for (int j = 0; j < frames; j++) {
                pipeline.run(frame);
                orientation.undo(pipeline.alpha, sensorAlpha);
                blurredBackground.run(pipeline.image, pipeline.alpha, background);
                compositor.over(pipeline.image, pipeline.alpha, background, argb);
            }
            allocated = threads.getThreadAllocatedBytes(thread) - before;
        }
        // No object is smaller than 16 bytes. The call that returns the allocated bytes allocates a few itself.
        assertTrue(allocated + " bytes were allocated in " + frames + " frames", allocated < 16 * frames);
    }

    @Test
    public void theLargestArenasSufficeForEveryCrop() {
        Random random = new Random(5);
        for (int i = 0; i < 300; i++) {
            int size = 1 << random.nextInt(7);
            int height = 1 + random.nextInt(i % 10 > 0 ? 90 : 1300);
            int width = 1 + random.nextInt(i % 10 > 0 ? 90 : 1300);
            for (boolean fine : new boolean[] {false, true}) {
                int[] most = Placement.mostArenas(fine, height, width, size);
                for (int j = 0; j < 40; j++) {
                    Rectangle crop = new Rectangle(0, 0, 1 + random.nextInt(height), 1 + random.nextInt(width));
                    Placement placement = Placement.ofCrop(crop, size);
                    String sides = crop.width + "×" + crop.height + " for " + size;
                    assertTrue(sides, placement.inputArena() > 0 && placement.inputArena() <= most[0]);
                    assertTrue(sides, placement.alphaArena(fine, size) > 0);
                    assertTrue(sides, placement.alphaArena(fine, size) <= most[1]);
                }
            }
        }
    }

    @Test
    public void aFrameOfAnotherSizeIsRefused() {
        Orientation otherSize = new Orientation(WIDTH, HEIGHT, 0, false);
        MattePipeline pipeline = new MattePipeline(otherSize, new RedChannelModel(SIZE), Fit.CROP, Profile.FINE);
        assertThrows(IllegalArgumentException.class, () -> pipeline.run(frame(1)));
    }

    @Test
    public void aBufferShorterThanItsStridesIsRefused() {
        YuvFrame frame = new YuvFrame(3, 3);
        ByteBuffer luma = ByteBuffer.allocateDirect(9);
        ByteBuffer chroma = ByteBuffer.allocateDirect(4);
        frame.set(luma, 3, 1, chroma, 2, 1, chroma, 2, 1);
        String message = assertThrows(IllegalArgumentException.class,
                () -> frame.set(luma, 3, 1, chroma, 3, 1, chroma, 2, 1)).getMessage();
        assertEquals("plane U has 4 bytes; its strides need 5", message);
        assertThrows(IllegalArgumentException.class, () -> frame.set(luma, 0, 1, chroma, 2, 1, chroma, 2, 1));
        assertThrows(IllegalArgumentException.class,
                () -> frame.set(luma, Integer.MAX_VALUE, 1, chroma, 2, 1, chroma, 2, 1));
        assertThrows(IllegalArgumentException.class,
                () -> frame.set(ByteBuffer.allocate(9), 3, 1, chroma, 2, 1, chroma, 2, 1));
    }

    @Test
    public void sidesThatAreNotAllowedAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> new BlurredBackground(1, 65536));
        assertThrows(IllegalArgumentException.class, () -> new Compositor(0, 1, Profile.FINE));
        assertThrows(IllegalArgumentException.class, () -> Placement.of(Fit.CROP, 4, 4, 0));
        assertThrows(IllegalArgumentException.class, () -> Placement.of(Fit.CROP, 65535, 65535, 256));
    }

    @Test
    public void arraysThatAreTooShortAreRefused() {
        Compositor compositor = new Compositor(4, 5, Profile.FINE);
        byte[] image = new byte[60];
        byte[] alpha = new byte[20];
        int[] argb = new int[20];
        compositor.over(image, alpha, image, argb);
        assertThrows(IllegalArgumentException.class, () -> compositor.over(new byte[59], alpha, image, argb));
        assertThrows(IllegalArgumentException.class, () -> compositor.over(image, new byte[19], image, argb));
        assertThrows(IllegalArgumentException.class, () -> compositor.over(image, alpha, new byte[59], argb));
        assertThrows(IllegalArgumentException.class, () -> compositor.over(image, alpha, image, new int[19]));
        assertThrows(IllegalArgumentException.class, () -> compositor.over(image, null, 7, argb));
        assertThrows(IllegalArgumentException.class, () -> compositor.cutOut(image, alpha, new int[3]));
        assertThrows(IllegalArgumentException.class, () -> Compositor.opaque(new byte[59], argb));
    }

    @Test
    public void anglesOtherThanQuarterTurnsAreRefused() {
        assertThrows(IllegalArgumentException.class, () -> new Orientation(4, 4, 45, false));
    }
}
