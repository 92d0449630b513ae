package ai.mmnet.core;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * Computes the answers to the requests of the tests: those in golden.bin, and those of the property tests in Python.
 * tests/java_core.py writes the requests and documents their format. All numbers are big-endian.
 */
final class RequestHandler {
    private RequestHandler() {
    }

    /** Computes the answer to one request. */
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
                blurredBackground(in, out);
                break;
            case 4:
                statistics(in, out);
                break;
            case 6:
                crop(in, out);
                break;
            case 7:
                video(in, out, false);
                break;
            case 8:
                confidence(in, out);
                break;
            case 9:
                fineAlpha(in, out);
                break;
            case 10:
                fineComposite(in, out);
                break;
            case 11:
                crops(in, out);
                break;
            case 12:
                finePhoto(in, out);
                break;
            case 13:
                reducedFrame(in, out);
                break;
            case 14:
                smoothing(in, out);
                break;
            case 15:
                video(in, out, true);
                break;
            default:
                throw new IOException("unknown kind of request: " + kind);
        }
        if (in.available() > 0) {
            throw new IOException("the request has " + in.available() + " bytes too many");
        }
        return bytes.toByteArray();
    }

    /** Frame → upright image and model input. */
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
        byte[] image = new byte[3 * orientation.height * orientation.width];
        byte[] input = new byte[3 * size * size];
        NativeCore.check(NativeCore.rgbFromYuv(planes[0], rowStrides[0], pixelStrides[0], planes[1], rowStrides[1],
                pixelStrides[1], planes[2], rowStrides[2], pixelStrides[2], orientation.frameHeight,
                orientation.frameWidth, orientation.degrees, orientation.mirrored, image));
        int[] placement = Placement.of(fit, orientation.height, orientation.width, size).ints();
        modelInput(image, orientation.height, orientation.width, placement, size, input);
        out.writeInt(orientation.height);
        out.writeInt(orientation.width);
        out.write(image);
        out.write(input);
    }

    /** Frame without padding, limits → image that fits inside the limits. */
    private static void reducedFrame(DataInputStream in, DataOutputStream out) throws IOException {
        Orientation orientation = new Orientation(in.readInt(), in.readInt(), in.readInt(), in.readInt() != 0);
        MattePipeline pipeline = new MattePipeline(orientation, in.readInt(), in.readInt(), new RedChannelModel(8),
                Fit.STRETCH, Profile.FAST);
        YuvFrame frame = new YuvFrame(orientation.frameHeight, orientation.frameWidth);
        ByteBuffer[] planes = new ByteBuffer[3];
        for (int i = 0; i < 3; i++) {
            byte[] bytes = readBytes(in);
            planes[i] = ByteBuffer.allocateDirect(bytes.length);
            planes[i].put(bytes);
        }
        int half = YuvFrame.half(orientation.frameWidth);
        frame.set(planes[0], orientation.frameWidth, 1, planes[1], half, 1, planes[2], half, 1);
        pipeline.run(frame);
        out.writeInt(pipeline.height);
        out.writeInt(pipeline.width);
        out.write(pipeline.image);
    }

    /** The model's alpha → alpha of the upright image, and alpha of the frame. */
    private static void alpha(DataInputStream in, DataOutputStream out) throws IOException {
        Orientation orientation = new Orientation(in.readInt(), in.readInt(), in.readInt(), in.readInt() != 0);
        Fit fit = Fit.values()[in.readInt()];
        int size = in.readInt();
        byte[] alpha = readBytes(in);
        byte[] imageAlpha = new byte[orientation.height * orientation.width];
        byte[] frameAlpha = new byte[imageAlpha.length];
        int[] placement = Placement.of(fit, orientation.height, orientation.width, size).ints();
        byte[] unused = new byte[3 * Math.max(size * size, imageAlpha.length)];
        NativeCore.check(NativeCore.alpha(false, alpha, unused, size, placement, unused, orientation.height,
                orientation.width, imageAlpha, NativeCore.arena(NativeCore.alphaArena(false, size, placement))));
        orientation.undo(imageAlpha, frameAlpha);
        out.write(imageAlpha);
        out.write(frameAlpha);
    }

    /** Image, alpha, background image, colour → composite over the background, and composite over the colour. */
    private static void composite(DataInputStream in, DataOutputStream out) throws IOException {
        int colour = in.readInt();
        byte[] image = readBytes(in);
        byte[] alpha = readBytes(in);
        byte[] background = readBytes(in);
        int[] argb = new int[alpha.length];
        int height = alpha.length / 65536 + 1; // the request has no sides: any that the core takes will do
        while (alpha.length % height != 0) {
            height++;
        }
        Compositor compositor = new Compositor(height, alpha.length / height, Profile.FAST);
        compositor.over(image, alpha, background, argb);
        writeRgb(argb, out);
        compositor.over(image, alpha, colour, argb);
        writeRgb(argb, out);
    }

    /** Image and alpha → blurred background. */
    private static void blurredBackground(DataInputStream in, DataOutputStream out) throws IOException {
        int height = in.readInt();
        int width = in.readInt();
        byte[] image = readBytes(in);
        byte[] alpha = readBytes(in);
        byte[] blurred = new byte[image.length];
        new BlurredBackground(height, width).run(image, alpha, blurred);
        out.write(blurred);
    }

    /** Image, placement, model alpha → model input and guided alpha. */
    private static void fineAlpha(DataInputStream in, DataOutputStream out) throws IOException {
        int height = in.readInt();
        int width = in.readInt();
        int size = in.readInt();
        int[] placement = new int[NativeCore.PLACEMENT_INTS];
        for (int i = 0; i < placement.length; i++) {
            placement[i] = in.readInt();
        }
        byte[] image = readBytes(in);
        byte[] modelAlpha = readBytes(in);
        byte[] input = new byte[3 * size * size];
        byte[] alpha = new byte[height * width];
        modelInput(image, height, width, placement, size, input);
        NativeCore.check(NativeCore.alpha(true, modelAlpha, input, size, placement, image, height, width, alpha,
                NativeCore.arena(NativeCore.alphaArena(true, size, placement))));
        out.write(input);
        out.write(alpha);
    }

    /** Image, alpha, background → estimated foreground, and composite with it. */
    private static void fineComposite(DataInputStream in, DataOutputStream out) throws IOException {
        int height = in.readInt();
        int width = in.readInt();
        byte[] image = readBytes(in);
        byte[] alpha = readBytes(in);
        byte[] background = readBytes(in);
        int[] argb = new int[height * width];
        Compositor compositor = new Compositor(height, width, Profile.FINE);
        compositor.cutOut(image, alpha, argb);
        for (int i = 0; i < argb.length; i++) {
            if (argb[i] >>> 24 != (alpha[i] & 255)) {
                throw new IOException("a cut-out has another alpha");
            }
            argb[i] |= 0xFF000000;
        }
        writeRgb(argb, out);
        compositor.over(image, alpha, background, argb);
        writeRgb(argb, out);
    }

    private static void modelInput(byte[] image, int height, int width, int[] placement, int size, byte[] input) {
        byte[] arena = NativeCore.arena(NativeCore.modelInputArena(placement));
        NativeCore.check(NativeCore.modelInput(image, height, width, placement, size, input, arena));
    }

    /** The alpha of a rectangle of an image → the one crop around its people: 0, or 1 and a rectangle. */
    private static void crop(DataInputStream in, DataOutputStream out) throws IOException {
        Rectangle whole = new Rectangle(0, 0, in.readInt(), in.readInt());
        Rectangle seen = new Rectangle(in.readInt(), in.readInt(), in.readInt(), in.readInt());
        int size = in.readInt();
        Rectangle crop = new Rectangle();
        boolean isFound = new PeopleFinder(size).findCrop(readBytes(in), seen, whole, crop);
        writeRectangles(isFound ? Collections.singletonList(crop) : Collections.<Rectangle>emptyList(), out);
    }

    /** The alpha of a photo → the crops around its people: their number, and the rectangles. */
    private static void crops(DataInputStream in, DataOutputStream out) throws IOException {
        Rectangle whole = new Rectangle(0, 0, in.readInt(), in.readInt());
        int size = in.readInt();
        writeRectangles(new PeopleFinder(size).findCrops(readBytes(in), whole), out);
    }

    private static void writeRectangles(List<Rectangle> rectangles, DataOutputStream out) throws IOException {
        out.writeInt(rectangles.size());
        for (Rectangle rectangle : rectangles) {
            out.writeInt(rectangle.top);
            out.writeInt(rectangle.left);
            out.writeInt(rectangle.height);
            out.writeInt(rectangle.width);
        }
    }

    /** Photo → its guided alpha and the confidence, by a model whose alpha is the red channel of its input. */
    private static void finePhoto(DataInputStream in, DataOutputStream out) throws IOException {
        Orientation upright = new Orientation(in.readInt(), in.readInt(), 0, false);
        MattePipeline pipeline = new MattePipeline(upright, new RedChannelModel(in.readInt()), Fit.AUTO, Profile.FINE);
        byte[] image = readBytes(in);
        System.arraycopy(image, 0, pipeline.image, 0, image.length);
        Arrays.fill(pipeline.alpha, (byte) 99); // as an earlier run may have left it
        pipeline.runOnImage();
        out.write(pipeline.alpha);
        out.writeInt(pipeline.confidence());
    }

    /** Frames and their alphas → the smoothed alphas. */
    private static void smoothing(DataInputStream in, DataOutputStream out) throws IOException {
        TemporalSmoother smoother = new TemporalSmoother(in.readInt(), in.readInt(), in.readInt());
        for (int left = in.readInt(); left > 0; left--) {
            byte[] input = readBytes(in);
            byte[] alpha = readBytes(in);
            smoother.smooth(alpha, input);
            out.write(alpha);
        }
    }

    /** Alpha → the confidence that it shows somebody, and 1 if it shows nobody, else 0. */
    private static void confidence(DataInputStream in, DataOutputStream out) throws IOException {
        int size = in.readInt();
        int confidence = Presence.confidence(readBytes(in), size);
        out.writeInt(confidence);
        out.writeInt(Presence.isNobody(confidence) ? 1 : 0);
    }

    /** Frames → their alphas, with a crop that follows, by a model whose alpha is the red channel of its input. */
    private static void video(DataInputStream in, DataOutputStream out, boolean smoothed) throws IOException {
        AlphaModel model = new RedChannelModel(in.readInt());
        int height = in.readInt();
        int width = in.readInt();
        MattePipeline pipeline = new MattePipeline(new Orientation(height, width, 0, false), model, Fit.AUTO,
                Profile.FAST);
        if (smoothed) {
            pipeline.smoothOverTime();
        }
        for (int left = in.readInt(); left > 0; left--) {
            // Grey in YUV is grey in RGB.
            YuvFrame frame = new YuvFrame(height, width);
            byte[] grey = readBytes(in);
            ByteBuffer chroma = ByteBuffer.allocateDirect(((height + 1) / 2) * ((width + 1) / 2));
            while (chroma.hasRemaining()) {
                chroma.put((byte) 128);
            }
            ByteBuffer luma = ByteBuffer.allocateDirect(grey.length);
            luma.put(grey);
            frame.set(luma, width, 1, chroma, (width + 1) / 2, 1, chroma, (width + 1) / 2, 1);
            pipeline.run(frame);
            out.write(pipeline.alpha);
        }
    }

    /** A text and numbers → JSON with both and with the statistics of the numbers. */
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
