package android.content.res;

import java.io.ByteArrayInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.Map;

/** A replacement for Android's class that runs on the JVM. The test adds the files. */
public final class AssetManager {
    public final Map<String, byte[]> files = new HashMap<>();

    public InputStream open(String name) throws IOException {
        if (!files.containsKey(name)) {
            throw new FileNotFoundException(name);
        }
        return new ByteArrayInputStream(files.get(name));
    }
}
