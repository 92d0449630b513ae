package ai.mmnet.core;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * What the Java side computes for a request of the Python side, in bytes: what golden.bin holds and what the property
 * test asks for. tests/java_core.py is the other end and says what is in a request. Big-endian.
 */
final class Answers {
    private Answers() {
    }

    static byte[] answer(byte[] request) throws IOException {
        DataInputStream in = new DataInputStream(new ByteArrayInputStream(request));
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        DataOutputStream out = new DataOutputStream(bytes);
        int kind = in.readInt();
        switch (kind) {
            case 0:
                frame(in, out);
                break;
            case 1:
                alpha(in, out);
                break;
            case 2:
                composite(in, out);
                break;
            case 3:
                backdrop(in, out);
                break;
            case 4:
                statistics(in, out);
                break;
            default:
                throw new IOException("no such request: " + kind);
        }
        if (in.available() > 0) {
            throw new IOException("the request is longer than it should be");
        }
        return bytes.toByteArray();
    }

    /** Frame → picture, model input. */
    private static void frame(DataInputStream in, DataOutputStream out) throws IOException {
        Orientation orientation = new Orientation(in.readInt(), in.readInt(), in.readInt(), in.readInt() != 0);
        Fit fit = Fit.values()[in.readInt()];
        int size = in.readInt();
        int[] rowStrides = new int[3];
        int[] pixelStrides = new int[3];
        ByteBuffer[] planes = new ByteBuffer[3];
        for (int i = 0; i < 3; i++) {
            rowStrides[i] = in.readInt();
            pixelStrides[i] = in.readInt();
            byte[] bytes = readBytes(in);
            planes[i] = ByteBuffer.allocateDirect(bytes.length);
            planes[i].put(bytes);
        }
        byte[] picture = new byte[3 * orientation.height * orientation.width];
        byte[] input = new byte[3 * size * size];
        FrameConverter converter = new FrameConverter(orientation);
        InputMaker inputMaker = new InputMaker(orientation.height, orientation.width, size, fit);
        YuvFrame frame = new YuvFrame(orientation.frameHeight, orientation.frameWidth);
        frame.set(planes[0], rowStrides[0], pixelStrides[0], planes[1], rowStrides[1], pixelStrides[1], planes[2],
                rowStrides[2], pixelStrides[2]);
        converter.convert(frame, picture);
        inputMaker.run(picture, input);
        out.writeInt(orientation.height);
        out.writeInt(orientation.width);
        out.write(picture);
        out.write(input);
    }

    /** Model alpha → alpha of the picture, of the frame. */
    private static void alpha(DataInputStream in, DataOutputStream out) throws IOException {
        Orientation orientation = new Orientation(in.readInt(), in.readInt(), in.readInt(), in.readInt() != 0);
        Fit fit = Fit.values()[in.readInt()];
        int size = in.readInt();
        byte[] alpha = readBytes(in);
        byte[] picture = new byte[orientation.height * orientation.width];
        byte[] frame = new byte[picture.length];
        new AlphaPlacer(orientation.height, orientation.width, size, fit).run(alpha, picture);
        orientation.undo(picture, frame);
        out.write(picture);
        out.write(frame);
    }

    /** Picture, alpha, background → picture over it, and over one colour. */
    private static void composite(DataInputStream in, DataOutputStream out) throws IOException {
        int colour = in.readInt();
        byte[] picture = readBytes(in);
        byte[] alpha = readBytes(in);
        byte[] behind = readBytes(in);
        int[] argb = new int[alpha.length];
        Compositor.over(picture, alpha, behind, argb);
        writeRgb(argb, out);
        Compositor.over(picture, alpha, colour, argb);
        writeRgb(argb, out);
    }

    private static void backdrop(DataInputStream in, DataOutputStream out) throws IOException {
        int height = in.readInt();
        int width = in.readInt();
        byte[] picture = readBytes(in);
        byte[] alpha = readBytes(in);
        byte[] blurred = new byte[picture.length];
        new Backdrop(height, width).run(picture, alpha, blurred);
        out.write(blurred);
    }

    /** A text and numbers → JSON with both, and what the numbers' statistics are. */
    private static void statistics(DataInputStream in, DataOutputStream out) throws IOException {
        StringBuilder text = new StringBuilder();
        for (int left = in.readInt(); left > 0; left--) {
            text.append(in.readChar());
        }
        double[] values = new double[in.readInt()];
        for (int i = 0; i < values.length; i++) {
            values[i] = in.readDouble();
        }
        JsonWriter json = new JsonWriter();
        json.beginObject().name("text").value(text.toString()).name("values").beginArray();
        for (double value : values) {
            json.value(value);
        }
        json.endArray().name("statistics");
        new LatencyStatistics(values).writeTo(json);
        json.endObject();
        out.write(json.toString().getBytes(StandardCharsets.UTF_8));
    }

    private static void writeRgb(int[] argb, DataOutputStream out) throws IOException {
        for (int pixel : argb) {
            if (pixel >>> 24 != 255) {
                throw new IOException("a pixel is not opaque");
            }
        }
        byte[] rgb = new byte[3 * argb.length];
        Compositor.toRgb(argb, rgb);
        out.write(rgb);
    }

    private static byte[] readBytes(DataInputStream in) throws IOException {
        byte[] bytes = new byte[in.readInt()];
        in.readFully(bytes);
        return bytes;
    }
}
