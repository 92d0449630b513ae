package android.widget;

import android.content.Context;
import android.view.View;

/** A replacement for Android's class that runs on the JVM. */
public class TextView extends View {
    public CharSequence shown = "";

    public TextView(Context context) {
    }

    public final void setText(CharSequence text) {
        shown = text;
    }

    public void setGravity(int gravity) {
    }
}
