package ai.mmnet.demo;

import android.app.Activity;
import android.graphics.Insets;
import android.os.Build;
import android.view.View;
import android.view.ViewGroup;
import android.view.WindowInsets;

/**
 * Keeps a screen's content clear of the system's bars, of cut-outs in the display, and of the keyboard. From Android 15
 * on, apps are drawn under all of them.
 */
final class ScreenEdges {
    private static final int API_INSET_TYPES = 30;

    private ScreenEdges() {
    }

    /** Adds what the system covers to the padding of the activity's content view, now and after every change. */
    static void pad(Activity activity) {
        View content = ((ViewGroup) activity.findViewById(android.R.id.content)).getChildAt(0);
        final int left = content.getPaddingLeft();
        final int top = content.getPaddingTop();
        final int right = content.getPaddingRight();
        final int bottom = content.getPaddingBottom();
        content.setOnApplyWindowInsetsListener(new View.OnApplyWindowInsetsListener() {
            @Override
            public WindowInsets onApplyWindowInsets(View view, WindowInsets insets) {
                if (Build.VERSION.SDK_INT >= API_INSET_TYPES) {
                    Insets covered = insets.getInsets(WindowInsets.Type.systemBars()
                            | WindowInsets.Type.displayCutout() | WindowInsets.Type.ime());
                    view.setPadding(left + covered.left, top + covered.top, right + covered.right,
                            bottom + covered.bottom);
                } else {
                    view.setPadding(left + insets.getSystemWindowInsetLeft(), top + insets.getSystemWindowInsetTop(),
                            right + insets.getSystemWindowInsetRight(), bottom + insets.getSystemWindowInsetBottom());
                }
                return insets;
            }
        });
    }
}
