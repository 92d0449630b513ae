package ai.mmnet.demo;

import android.content.Context;
import android.content.SharedPreferences;

/** What the user chose, kept between starts. */
final class Choices {
    private static final String BACKGROUND = "background";
    private static final String FRONT = "front";

    private final SharedPreferences preferences;

    Choices(Context context) {
        preferences = context.getSharedPreferences("mmnet", Context.MODE_PRIVATE);
    }

    /** A picture does not outlive the app, so that choice is not kept. */
    Background.Kind background() {
        String name = preferences.getString(BACKGROUND, null);
        for (Background.Kind kind : Background.Kind.values()) {
            if (kind.name().equals(name) && kind != Background.Kind.PICTURE) {
                return kind;
            }
        }
        return Background.Kind.BLUR;
    }

    void setBackground(Background.Kind kind) {
        preferences.edit().putString(BACKGROUND, kind.name()).apply();
    }

    boolean front() {
        return preferences.getBoolean(FRONT, true);
    }

    void setFront(boolean front) {
        preferences.edit().putBoolean(FRONT, front).apply();
    }
}
