package ai.mmnet.core;

import androidx.annotation.NonNull;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import java.util.zip.DeflaterOutputStream;

/**
 * Writes images as PNG files. Alpha is written straight, as the pixels have it: {@code android.graphics.Bitmap} would
 * premultiply it, and so lose colours where alpha is low.
 */
public final class PngWriter {
    private static final byte[] SIGNATURE = {(byte) 137, 'P', 'N', 'G', '\r', '\n', 26, '\n'};
    private static final int CHUNK_BYTES = 1 << 16;
    private static final int RGB = 2; // the colour types of the format
    private static final int RGBA = 6;
    private static final int UP = 2; // the filter that subtracts the row above
    private static final int LEVEL = 6;

    private PngWriter() {
    }

    /**
     * Writes an image. The stream stays open.
     *
     * @param argb height · width pixels, 0xAARRGGBB with straight alpha.
     * @param height of the image in pixels, at least 1.
     * @param width of the image in pixels, at least 1.
     * @param hasAlpha whether alpha is written; without it, the file has red, green and blue alone.
     * @param out receives the file.
     * @throws IllegalArgumentException a side is below 1, or there are fewer pixels.
     */
    public static void write(@NonNull int[] argb, int height, int width, boolean hasAlpha, @NonNull OutputStream out)
            throws IOException {
        if (height < 1 || width < 1 || argb.length < (long) height * width) {
            throw new IllegalArgumentException(
                    "the image is " + width + "×" + height + ", with " + argb.length + " pixels");
        }
        DataOutputStream data = new DataOutputStream(out);
        data.write(SIGNATURE);
        byte[] header = {(byte) (width >> 24), (byte) (width >> 16), (byte) (width >> 8), (byte) width,
            (byte) (height >> 24), (byte) (height >> 16), (byte) (height >> 8), (byte) height, 8,
            (byte) (hasAlpha ? RGBA : RGB), 0, 0, 0};
        writeChunk(data, "IHDR", header, header.length);
        Deflater deflater = new Deflater(LEVEL);
        try {
            DataChunks chunks = new DataChunks(data);
            DeflaterOutputStream compressed = new DeflaterOutputStream(chunks, deflater, CHUNK_BYTES);
            writeRows(argb, height, width, hasAlpha, compressed);
            compressed.finish();
            chunks.end();
        } finally {
            deflater.end();
        }
        writeChunk(data, "IEND", header, 0);
        data.flush();
    }

    private static void writeRows(int[] argb, int height, int width, boolean hasAlpha, OutputStream out)
            throws IOException {
        int channels = hasAlpha ? 4 : 3;
        byte[] row = new byte[1 + channels * width];
        row[0] = UP;
        for (int y = 0; y < height; y++) {
            int at = 1;
            for (int x = 0; x < width; x++) {
                int pixel = argb[y * width + x];
                int above = y > 0 ? argb[(y - 1) * width + x] : 0;
                row[at++] = (byte) ((pixel >> 16) - (above >> 16));
                row[at++] = (byte) ((pixel >> 8) - (above >> 8));
                row[at++] = (byte) (pixel - above);
                if (hasAlpha) {
                    row[at++] = (byte) ((pixel >> 24) - (above >> 24));
                }
            }
            out.write(row);
        }
    }

    private static void writeChunk(DataOutputStream out, String type, byte[] content, int length) throws IOException {
        byte[] name = {(byte) type.charAt(0), (byte) type.charAt(1), (byte) type.charAt(2), (byte) type.charAt(3)};
        CRC32 sum = new CRC32();
        sum.update(name);
        sum.update(content, 0, length);
        out.writeInt(length);
        out.write(name);
        out.write(content, 0, length);
        out.writeInt((int) sum.getValue());
    }

    /** Writes what it receives as chunks of compressed data. */
    private static final class DataChunks extends OutputStream {
        private final DataOutputStream out;
        private final byte[] waiting = new byte[CHUNK_BYTES];
        private int used;

        DataChunks(DataOutputStream out) {
            this.out = out;
        }

        @Override
        public void write(int value) throws IOException {
            if (used == waiting.length) {
                end();
            }
            waiting[used++] = (byte) value;
        }

        @Override
        public void write(byte[] from, int start, int length) throws IOException {
            int done = 0;
            while (done < length) {
                if (used == waiting.length) {
                    end();
                }
                int count = Math.min(length - done, waiting.length - used);
                System.arraycopy(from, start + done, waiting, used, count);
                used += count;
                done += count;
            }
        }

        /** Writes what is waiting as one chunk. */
        void end() throws IOException {
            if (used > 0) {
                writeChunk(out, "IDAT", waiting, used);
                used = 0;
            }
        }
    }
}
