package ai.mmnet.demo;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

/** Reads whole streams and writes whole files. */
final class Streams {
    private static final int CHUNK = 1 << 16;

    private Streams() {
    }

    /**
     * Returns all bytes of a stream.
     *
     * @throws IOException the stream has more than {@code limit} bytes, or cannot be read.
     */
    static byte[] readAll(InputStream in, int limit) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        copy(in, out, limit);
        return out.toByteArray();
    }

    /** Writes a file. If that fails, the file stays as it was. */
    static void write(File file, byte[] content) throws IOException {
        File partial = new File(file.getPath() + ".part");
        try {
            try (OutputStream out = new FileOutputStream(partial)) {
                out.write(content);
            }
            if (!partial.renameTo(file)) {
                throw new IOException(file + " cannot be written");
            }
        } finally {
            partial.delete(); // exists only after a failure
        }
    }

    /**
     * Writes what a stream has to a file.
     *
     * @throws IOException the stream has more than {@code limit} bytes, or cannot be read, or the file not written.
     */
    static void write(File file, InputStream in, int limit) throws IOException {
        try (OutputStream out = new FileOutputStream(file)) {
            copy(in, out, limit);
        }
    }

    private static void copy(InputStream in, OutputStream out, int limit) throws IOException {
        byte[] chunk = new byte[CHUNK];
        int total = 0;
        for (int read = in.read(chunk); read >= 0; read = in.read(chunk)) {
            total += read;
            if (total > limit) {
                throw new IOException("the file has more than " + limit + " bytes, the limit");
            }
            out.write(chunk, 0, read);
        }
    }
}
