package android.widget;

import android.content.Context;
import android.graphics.Bitmap;
import android.view.View;

/** A replacement for Android's class that runs on the JVM. */
public class ImageView extends View {
    public Bitmap shown; // null before the first image

    public ImageView(Context context) {
    }

    public void setImageBitmap(Bitmap bitmap) {
        shown = bitmap;
    }
}
