package ai.mmnet.core;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertThrows;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Random;
import javax.imageio.ImageIO;
import org.junit.Test;

/** Tests of PngWriter with the JVM's own reader of PNG files. */
public class PngWriterTest {
    private static int[] noise(int count) {
        Random random = new Random(7);
        int[] pixels = new int[count];
        for (int i = 0; i < count; i++) {
            pixels[i] = random.nextInt();
        }
        return pixels;
    }

    private static BufferedImage written(int[] argb, int height, int width, boolean hasAlpha) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        PngWriter.write(argb, height, width, hasAlpha, out);
        return ImageIO.read(new ByteArrayInputStream(out.toByteArray()));
    }

    @Test
    public void everyBitOfStraightAlphaAndColourIsKept() throws IOException {
        int[][] sizes = {{1, 1}, {1, 300}, {257, 1}, {200, 311}}; // the last fills several chunks
        for (int[] size : sizes) {
            int[] pixels = noise(size[0] * size[1]);
            BufferedImage read = written(pixels, size[0], size[1], true);
            assertEquals(size[1], read.getWidth());
            assertArrayEquals(pixels, read.getRGB(0, 0, size[1], size[0], null, 0, size[1]));
        }
    }

    @Test
    public void aFileWithoutAlphaIsOpaque() throws IOException {
        int[] pixels = noise(40 * 30);
        BufferedImage read = written(pixels, 30, 40, false);
        assertEquals(3, read.getColorModel().getNumComponents());
        int[] found = read.getRGB(0, 0, 40, 30, null, 0, 40);
        for (int i = 0; i < pixels.length; i++) {
            assertEquals(0xFF000000 | pixels[i], found[i]);
        }
    }

    @Test
    public void imagesWithoutPixelsAreRefused() {
        int[][] sizes = {{0, 1}, {1, 0}, {2, 3}};
        for (int[] size : sizes) {
            assertThrows(IllegalArgumentException.class,
                    () -> PngWriter.write(new int[5], size[0], size[1], true, new ByteArrayOutputStream()));
        }
    }
}
