package ai.mmnet.matting;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNotNull;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertSame;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import ai.mmnet.core.BlurredBackground;
import ai.mmnet.core.Compositor;
import ai.mmnet.core.Fit;
import ai.mmnet.core.MattePipeline;
import ai.mmnet.core.Orientation;
import ai.mmnet.core.Profile;
import com.sun.management.ThreadMXBean;
import android.content.Context;
import android.graphics.Bitmap;
import android.media.Image;
import android.media.ImageReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.util.Random;
import javax.imageio.ImageIO;
import org.junit.After;
import org.junit.Before;
import org.junit.Test;
import org.tensorflow.lite.DataType;
import org.tensorflow.lite.Interpreter;

/** Tests of the library's public calls on the JVM, with replacements for Android's classes and for LiteRT. */
public class MattingTest {
    private static final int SIZE = 16;
    private static final byte[] MODEL = {0, 0, 0, 0, 'T', 'F', 'L', '3', SIZE, (byte) DataType.UINT8.ordinal(),
        (byte) DataType.UINT8.ordinal(), 3, Interpreter.NO_FAULT};

    private final Context context = new Context();

    @Before
    public void reset() {
        Interpreter.open = 0;
        Image.open = 0;
        context.getAssets().files.put(MattingOptions.DEFAULT_MODEL, MODEL);
    }

    @After
    public void everythingIsClosed() {
        assertEquals(0, Interpreter.open);
        assertEquals(0, Image.open);
    }

    private static MattingOptions options() {
        return new MattingOptions().threads(3);
    }

    private static int[] noise(int count) {
        int[] pixels = new int[count];
        Random random = new Random(3);
        for (int i = 0; i < count; i++) {
            pixels[i] = 0xFF000000 | random.nextInt();
        }
        return pixels;
    }

    @Test
    public void theMatteOfABitmapHasItsOwnSizeAndThePipelinesBytes() throws Exception {
        int[][] sizes = {{1, 1}, {90, 70}, {5, 300}, {700, 500}}; // the last takes two strips
        for (int[] size : sizes) {
            int[] pixels = noise(size[0] * size[1]);
            Bitmap bitmap = Bitmap.createBitmap(pixels, size[1], size[0], Bitmap.Config.ARGB_8888);
            try (Matting matting = Matting.create(context, options())) {
                Matte matte = matting.matte(bitmap);
                MattePipeline pipeline = new MattePipeline(new Orientation(size[0], size[1], 0, false),
                        matting.network(), Fit.AUTO, Profile.FINE);
                for (int i = 0; i < pixels.length; i++) {
                    pipeline.image[3 * i] = (byte) (pixels[i] >> 16);
                    pipeline.image[3 * i + 1] = (byte) (pixels[i] >> 8);
                    pipeline.image[3 * i + 2] = (byte) pixels[i];
                }
                pipeline.runOnImage();
                assertEquals(size[0], matte.height());
                assertEquals(size[1], matte.width());
                assertArrayEquals(pipeline.image, matte.image());
                assertArrayEquals(pipeline.alpha, matte.alpha());
            }
        }
    }

    @Test
    public void aCutOutIsWrittenWithStraightAlpha() throws Exception {
        Bitmap bitmap = Bitmap.createBitmap(noise(60 * 40), 60, 40, Bitmap.Config.ARGB_8888);
        try (Matting matting = Matting.create(context, options())) {
            Matte matte = matting.matte(bitmap);
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            matte.writeCutOut(out);
            int[] read = ImageIO.read(new ByteArrayInputStream(out.toByteArray())).getRGB(0, 0, 60, 40, null, 0, 60);
            assertArrayEquals(matte.cutOut(), read);
            for (int i = 0; i < read.length; i++) {
                assertEquals(matte.alpha()[i], (byte) (read[i] >> 24));
            }
        }
    }

    @Test
    public void theNewestFrameWinsAndTheOthersAreDropped() throws Exception {
        ImageReader reader = new ImageReader();
        try (Matting matting = Matting.create(context, options())) {
            FrameAnalyzer analyzer = matting.analyzer();
            assertNull(analyzer.analyzeLatest(reader, 0, false));
            reader.waiting.add(new Image(8, 12, 0, 128, 128));
            reader.waiting.add(new Image(8, 12, 100, 128, 128));
            reader.waiting.add(new Image(8, 12, 200, 128, 128));
            Matte matte = analyzer.analyzeLatest(reader, 90, true);
            assertNotNull(matte);
            assertEquals(12, matte.height());
            assertEquals(8, matte.width());
            assertEquals((byte) 200, matte.image()[0]);
            assertNull(analyzer.analyzeLatest(reader, 90, true));
            reader.isFull = true;
            assertNull(analyzer.analyzeLatest(reader, 90, true));
        }
    }

    @Test
    public void buffersAreKeptUntilTheFramesChange() throws Exception {
        try (Matting matting = Matting.create(context, options())) {
            FrameAnalyzer analyzer = matting.analyzer();
            Matte first;
            try (Image frame = new Image(8, 12, 50, 128, 128)) {
                first = analyzer.analyze(frame, 0, false);
                assertSame(first, analyzer.analyze(frame, 0, false));
                assertTrue(first != analyzer.analyze(frame, 0, true));
                assertTrue(first != analyzer.analyze(frame, 180, false));
            }
            try (Image frame = new Image(8, 10, 50, 128, 128)) {
                assertEquals(10, analyzer.analyze(frame, 0, false).width());
                assertThrows(IllegalArgumentException.class, () -> analyzer.analyze(frame, 45, false));
            }
        }
    }

    @Test
    public void framesAreTurnedUpright() {
        assertEquals(90, FrameAnalyzer.uprightDegrees(90, 0, false)); // a rear camera, the phone upright
        assertEquals(0, FrameAnalyzer.uprightDegrees(90, 90, false));
        assertEquals(180, FrameAnalyzer.uprightDegrees(90, 270, false));
        assertEquals(270, FrameAnalyzer.uprightDegrees(270, 0, true)); // a front camera
        assertEquals(0, FrameAnalyzer.uprightDegrees(270, 90, true));
    }

    @Test
    public void aModelComesFromAnAssetAFileOrBytes() throws Exception {
        File file = File.createTempFile("model", ".tflite");
        try {
            Files.write(file.toPath(), MODEL);
            context.getAssets().files.put("mine.tflite", MODEL);
            MattingOptions[] places = {options().modelAsset("mine.tflite"), options().modelFile(file),
                options().modelBytes(MODEL)};
            for (MattingOptions place : places) {
                try (Matting matting = Matting.create(context, place)) {
                    assertEquals(SIZE, matting.network().size());
                }
            }
        } finally {
            assertTrue(file.delete());
        }
        String message = refused(options().modelFile(file));
        assertTrue(message, message.contains(file.getPath()));
        assertTrue(refused(options().modelAsset("other.tflite")).contains("other.tflite"));
        assertTrue(refused(options().modelBytes(new byte[20])).contains("not a .tflite"));
        assertThrows(IllegalArgumentException.class, () -> new MattingOptions().threads(0));
    }

    private String refused(MattingOptions options) {
        return assertThrows(MattingException.class, () -> Matting.create(context, options)).getMessage();
    }

    @Test
    public void aClosedMattingRefusesToRun() throws MattingException, IOException {
        Matting matting = Matting.create(context, options());
        matting.close();
        matting.close();
        Bitmap bitmap = Bitmap.createBitmap(noise(4), 2, 2, Bitmap.Config.ARGB_8888);
        assertThrows(IllegalStateException.class, () -> matting.matte(bitmap));
    }

    @Test
    public void optionsThatAreChangedAfterwardsHaveNoEffect() throws Exception {
        MattingOptions options = options().fit(Fit.LETTERBOX).profile(Profile.FAST).smoothing(false);
        try (Matting matting = Matting.create(context, options);
                Matting same = Matting.create(context, options.copy());
                Image frame = new Image(90, 160, 20, 128, 128)) {
            options.fit(Fit.STRETCH).profile(Profile.FINE).smoothing(true);
            FrameAnalyzer analyzer = matting.analyzer();
            FrameAnalyzer expected = same.analyzer();
            for (int left = 20; left < 60; left += 20) {
                frame.brighten(15, left, 60, 50, 200);
                assertArrayEquals(expected.analyze(frame, 0, false).alpha(), analyzer.analyze(frame, 0, false).alpha());
            }
        }
    }

    @Test
    public void aBitmapInTheMemoryOfTheGraphicsProcessorIsCopied() throws Exception {
        int[] pixels = noise(30 * 20);
        try (Matting matting = Matting.create(context, options())) {
            Matte expected = matting.matte(Bitmap.createBitmap(pixels, 30, 20, Bitmap.Config.ARGB_8888));
            Matte matte = matting.matte(Bitmap.createBitmap(pixels, 30, 20, Bitmap.Config.HARDWARE));
            assertArrayEquals(expected.image(), matte.image());
            assertArrayEquals(expected.alpha(), matte.alpha());
            assertEquals(0, Bitmap.copies);
        }
    }

    @Test
    public void theCallerLearnsWhatRunsTheNetwork() throws MattingException {
        try (Matting matting = Matting.create(context, options())) {
            assertEquals(Accelerator.CPU, matting.accelerator());
            assertEquals(3, Interpreter.threads);
            assertNull(matting.acceleratorProblem());
        }
        try (Matting matting = Matting.create(context, options().accelerator(Accelerator.GPU))) {
            assertEquals(Accelerator.GPU, matting.accelerator());
        }
    }

    @Test
    public void aMatteFitsInsideAView() throws Exception {
        int[][] cases = { // height and width of the frame, width and height of the view, height and width of the matte
            {1080, 1920, 720, 1000, 405, 720}, {1080, 1920, 5000, 5000, 1080, 1920}, {1080, 1920, 0, 100, 1080, 1920},
            {60, 90, 30, 11, 11, 17}, {3, 300, 20, 20, 1, 20}};
        try (Matting matting = Matting.create(context, options().fit(Fit.LETTERBOX).profile(Profile.FAST))) {
            for (int[] one : cases) {
                FrameAnalyzer analyzer = matting.analyzer();
                analyzer.fitInside(one[2], one[3]);
                try (Image frame = new Image(one[0], one[1], 90, 128, 128)) {
                    Matte matte = analyzer.analyze(frame, 0, false);
                    assertEquals(one[4], matte.height());
                    assertEquals(one[5], matte.width());
                    assertEquals(one[4] * one[5], matte.alpha().length);
                    assertEquals(one[0], matte.fullHeight());
                    assertEquals(one[1], matte.fullWidth());
                    assertEquals(3 * one[0] * one[1], matte.fullImage().length);
                    assertEquals(matte.fullImage()[0], matte.image()[0]);
                    analyzer.fitInside(0, 0);
                    assertEquals(one[0], analyzer.analyze(frame, 0, false).height());
                }
            }
        }
    }

    /** Returns the bytes that this thread allocates in an action, the second time that it runs. */
    private static long allocated(Runnable action) {
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long thread = Thread.currentThread().getId();
        action.run(); // the first time, classes are loaded and buffers are allocated
        threads.getThreadAllocatedBytes(thread);
        long first = threads.getThreadAllocatedBytes(thread);
        long second = threads.getThreadAllocatedBytes(thread);
        action.run();
        return threads.getThreadAllocatedBytes(thread) - second - (second - first); // less what the question allocates
    }

    @Test
    public void aFrameOf1080pAllocatesNothingOnItsWayToTheScreen() throws Exception {
        for (Fit fit : new Fit[] {Fit.AUTO, Fit.LETTERBOX}) { // with the profile FINE, and smoothed over time
            try (Matting matting = Matting.create(context, options().fit(fit));
                    Image frame = new Image(1080, 1920, 20, 128, 128)) {
                FrameAnalyzer analyzer = matting.analyzer();
                analyzer.fitInside(720, 1280);
                assertEquals(1280, analyzer.analyze(frame, 270, true).height());
                BlurredBackground blur = new BlurredBackground(1280, 720);
                Compositor compositor = new Compositor(1280, 720, Profile.FINE);
                byte[] background = new byte[3 * 1280 * 720];
                int[] argb = new int[1280 * 720];
                assertEquals(fit.name(), 0, allocated(() -> {
                    for (int i = 0; i < 4; i++) {
                        int side = 200 + 100 * i;
                        frame.brighten(100, 500, side, side, 235);
                        Matte matte = analyzer.analyze(frame, 270, true);
                        frame.brighten(100, 500, side, side, 20);
                        blur.run(matte.image(), matte.alpha(), background);
                        compositor.over(matte.image(), matte.alpha(), background, argb);
                    }
                }));
            }
        }
    }

    @Test
    public void aCropThatFollowsAllocatesNothing() throws Exception {
        try (Matting matting = Matting.create(context, options());
                Image frame = new Image(360, 640, 20, 128, 128)) {
            FrameAnalyzer analyzer = matting.analyzer();
            analyzer.analyze(frame, 0, false); // the frame without anybody gives no crop
            assertEquals(0, allocated(() -> {
                for (int i = 0; i < 80; i++) {
                    if (i < 35) { // moves and grows, past a second look at the whole frame
                        follow(analyzer, frame, 60, 20 + 5 * i, 40 + 4 * i, 60 + 4 * i);
                    } else if (i < 45) {
                        analyzer.analyze(frame, 0, false); // nobody
                    } else { // two people elsewhere
                        frame.brighten(250, 10, 80, 60, 235);
                        follow(analyzer, frame, 200, 400 + i, 100, 100);
                        frame.brighten(250, 10, 80, 60, 20);
                    }
                }
            }));
        }
    }

    /** Mattes a frame with one bright rectangle, which is removed afterwards. */
    private static void follow(FrameAnalyzer analyzer, Image frame, int top, int left, int rows, int columns) {
        frame.brighten(top, left, rows, columns, 235);
        analyzer.analyze(frame, 0, false);
        frame.brighten(top, left, rows, columns, 20);
    }
}
