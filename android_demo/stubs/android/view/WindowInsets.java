package android.view;

import android.graphics.Insets;

/**
 * A compile-only stub of the part of Android's class, of API 30, that the app uses. It replaces the class of the platform
 * jar, which is that of API 23. It is never packed into the app.
 */
public final class WindowInsets {
    WindowInsets() {
    }

    public static final class Type {
        private Type() {
        }

        public static int systemBars() {
            throw new UnsupportedOperationException();
        }

        public static int displayCutout() {
            throw new UnsupportedOperationException();
        }

        public static int ime() {
            throw new UnsupportedOperationException();
        }
    }

    public Insets getInsets(int types) {
        throw new UnsupportedOperationException();
    }

    public int getSystemWindowInsetLeft() {
        throw new UnsupportedOperationException();
    }

    public int getSystemWindowInsetTop() {
        throw new UnsupportedOperationException();
    }

    public int getSystemWindowInsetRight() {
        throw new UnsupportedOperationException();
    }

    public int getSystemWindowInsetBottom() {
        throw new UnsupportedOperationException();
    }
}
