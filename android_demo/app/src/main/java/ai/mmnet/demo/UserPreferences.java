package ai.mmnet.demo;

import android.content.Context;
import android.content.SharedPreferences;

/** The user's preferences, stored between starts of the app. */
final class UserPreferences {
    private static final String BACKGROUND = "background";
    private static final String FRONT = "front";

    private final SharedPreferences preferences;

    UserPreferences(Context context) {
        preferences = context.getSharedPreferences("mmnet", Context.MODE_PRIVATE);
    }

    /** Returns the background that the camera had last. A background image is not stored, so blur takes its place. */
    Background.Kind background() {
        String name = preferences.getString(BACKGROUND, null);
        for (Background.Kind kind : Background.Kind.OF_CAMERA) {
            if (kind.name().equals(name) && kind != Background.Kind.IMAGE) {
                return kind;
            }
        }
        return Background.Kind.BLUR;
    }

    /** Stores the kind of background. */
    void setBackground(Background.Kind kind) {
        preferences.edit().putString(BACKGROUND, kind.name()).apply();
    }

    /** Returns whether the front camera is used. */
    boolean front() {
        return preferences.getBoolean(FRONT, true);
    }

    /** Stores whether the front camera is used. */
    void setFront(boolean front) {
        preferences.edit().putBoolean(FRONT, front).apply();
    }
}
