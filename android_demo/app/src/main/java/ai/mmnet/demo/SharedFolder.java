package ai.mmnet.demo;

import java.io.File;
import java.io.FileNotFoundException;
import java.io.IOException;

/** The folder of the files that the user shares. Names that come from other apps lead nowhere else. */
final class SharedFolder {
    /** Files are removed when they are older than this, at the next {@link #create}. */
    static final long KEPT_MILLIS = 24L * 60 * 60 * 1000;

    private final File folder;

    SharedFolder(File cache) {
        folder = new File(cache, "shared");
    }

    /**
     * Makes an empty file, and removes old ones.
     *
     * @throws IOException there is no room for it.
     */
    File create(long now) throws IOException {
        if (!folder.isDirectory() && !folder.mkdirs()) {
            throw new IOException(folder + " cannot be made");
        }
        File[] files = folder.listFiles();
        if (files != null) {
            for (File file : files) {
                if (now - file.lastModified() > KEPT_MILLIS) {
                    file.delete();
                }
            }
        }
        return File.createTempFile("mmnet-", ".png", folder);
    }

    /**
     * Returns the file of a name.
     *
     * @throws FileNotFoundException there is none, or the name is a path.
     */
    File find(String name) throws FileNotFoundException {
        File file = name == null ? folder : new File(folder, name);
        if (name == null || !name.equals(file.getName()) || !file.isFile()) {
            throw new FileNotFoundException("no shared file: " + name);
        }
        return file;
    }
}
