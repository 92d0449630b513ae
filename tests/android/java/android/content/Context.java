package android.content;

import android.content.res.AssetManager;

/** A replacement for Android's class that runs on the JVM. It has assets alone. */
public class Context {
    private final AssetManager assets = new AssetManager();

    public AssetManager getAssets() {
        return assets;
    }
}
