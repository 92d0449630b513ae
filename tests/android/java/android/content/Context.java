package android.content;

import android.content.res.AssetManager;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.util.HashMap;
import java.util.Map;

/** A replacement for Android's class that runs on the JVM. It has assets, and the services that the test adds. */
public class Context {
    public static final String CAMERA_SERVICE = "camera";

    public final Map<String, Object> services = new HashMap<>();
    private final AssetManager assets = new AssetManager();
    private File cache; // null before the first call

    public AssetManager getAssets() {
        return assets;
    }

    public File getCacheDir() {
        if (cache == null) {
            try {
                cache = Files.createTempDirectory("cache").toFile();
            } catch (IOException error) {
                throw new AssertionError(error);
            }
            cache.deleteOnExit();
        }
        return cache;
    }

    public Object getSystemService(String name) {
        return services.get(name);
    }
}
