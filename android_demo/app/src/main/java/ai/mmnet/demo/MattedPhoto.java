package ai.mmnet.demo;

import android.content.Context;
import android.graphics.Bitmap;
import android.net.Uri;
import android.provider.DocumentsContract;
import android.util.Log;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import ai.mmnet.core.PngWriter;
import ai.mmnet.core.Profile;
import ai.mmnet.matting.Matte;
import ai.mmnet.matting.Matting;
import ai.mmnet.matting.MattingException;
import ai.mmnet.matting.MattingOptions;

/**
 * A photo and its alpha, at the photo's own size where memory suffices. The quality is that of {@link Profile#FINE}:
 * edges guided by the photo, and the foreground's own colours.
 */
final class MattedPhoto {
    private static final String TAG = "MMNetPhoto";
    private static final int LEAST_SIDE = 1024; // a photo of this longer side is not made smaller

    final byte[] image;
    final byte[] alpha;
    final int height;
    final int width;
    final String about; // for the user: whether anybody was found, and how long it took

    private MattedPhoto(Matte matte, String about) {
        image = matte.image();
        alpha = matte.alpha();
        height = matte.height();
        width = matte.width();
        this.about = about;
    }

    /**
     * Reads a photo and computes its alpha. The model is loaded for this and closed afterwards. A photo for which memory
     * does not suffice is halved until it does.
     *
     * @throws Exception its message is one line for the user.
     */
    static MattedPhoto matte(Context context, Uri uri) throws Exception {
        ModelStore models = new ModelStore(context);
        String name = models.chosen();
        if (name == null) {
            throw new ModelException(context.getString(R.string.no_model));
        }
        try (Matting matting = Matting.create(context, new MattingOptions().modelBytes(models.read(name).bytes))) {
            int longest = Integer.MAX_VALUE;
            while (true) {
                Bitmap photo = null;
                try {
                    photo = Images.read(context, uri, longest);
                    return matte(context, photo, matting, name, longest < Integer.MAX_VALUE);
                } catch (OutOfMemoryError error) {
                    int side = photo == null ? Math.min(longest, 2 * Images.longerSide(context, uri))
                            : Math.max(photo.getHeight(), photo.getWidth());
                    if (side <= LEAST_SIDE) {
                        throw error;
                    }
                    longest = side / 2;
                } finally {
                    if (photo != null) {
                        photo.recycle();
                    }
                }
            }
        } catch (MattingException error) {
            throw new ModelException(context.getString(R.string.model_refused, name, error.getMessage()), error);
        }
    }

    private static MattedPhoto matte(Context context, Bitmap photo, Matting matting, String name, boolean isReduced) {
        Matte matte = matting.matte(photo);
        String about = context.getString(R.string.photo_times, name, matte.width(), matte.height(),
                matte.invokeNanos() / 1e6);
        if (isReduced) {
            about = context.getString(R.string.reduced) + " · " + about;
        }
        if (matte.isNobody()) {
            about = context.getString(R.string.nobody) + " · " + about;
        }
        MattedPhoto matted = new MattedPhoto(matte, about);
        matted.composite(Background.Kind.BLUR, null); // so that a lack of memory for it shows now
        return matted;
    }

    /**
     * Composites the photo over a background.
     *
     * @param backgroundImage the image of {@link Background.Kind#IMAGE}; null gives the blurred background.
     * @return height · width pixels, 0xAARRGGBB with straight alpha.
     */
    int[] composite(Background.Kind kind, Bitmap backgroundImage) {
        boolean missing = kind == Background.Kind.IMAGE && backgroundImage == null;
        byte[] pixels = kind == Background.Kind.IMAGE && !missing ? Images.cover(backgroundImage, height, width) : null;
        int[] argb = new int[alpha.length];
        new Background(missing ? Background.Kind.BLUR : kind, pixels, height, width).composite(image, alpha, argb);
        return argb;
    }

    /** Writes the composite or cut-out as a PNG. The stream stays open. */
    void write(Background.Kind kind, Bitmap backgroundImage, OutputStream out) throws IOException {
        PngWriter.write(composite(kind, backgroundImage), height, width, kind == Background.Kind.CUT_OUT, out);
    }

    /**
     * Writes the composite or cut-out to a PNG file. A file that cannot be written is removed.
     *
     * @throws IOException its message is one line for the user.
     */
    void save(Context context, Uri uri, Background.Kind kind, Bitmap backgroundImage) throws IOException {
        boolean isWritten = false;
        try (OutputStream out = context.getContentResolver().openOutputStream(uri)) {
            if (out == null) {
                throw new IOException("the provider gives no stream");
            }
            try (OutputStream buffered = new BufferedOutputStream(out, 1 << 16)) {
                write(kind, backgroundImage, buffered);
            }
            isWritten = true;
        } catch (IOException | SecurityException error) {
            Log.e(TAG, "the image is not written", error);
            throw new IOException(context.getString(R.string.not_written), error);
        } finally {
            if (!isWritten) {
                delete(context, uri);
            }
        }
    }

    /** Removes a file that the Save dialog has made. */
    static void delete(Context context, Uri uri) {
        try {
            DocumentsContract.deleteDocument(context.getContentResolver(), uri);
        } catch (Exception error) { // providers of other apps throw anything; an empty file then stays
            Log.w(TAG, "the empty file cannot be removed", error);
        }
    }
}
