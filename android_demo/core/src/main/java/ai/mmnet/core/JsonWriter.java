package ai.mmnet.core;

import androidx.annotation.NonNull;
import androidx.annotation.Nullable;

/**
 * Writes one JSON value as indented text. A call that would make the text invalid JSON throws IllegalStateException.
 * Each method that writes returns this writer.
 */
public final class JsonWriter {
    private static final String INDENT = "  ";

    private final StringBuilder text = new StringBuilder();
    private final StringBuilder open = new StringBuilder(); // closing brackets still to be written, innermost last
    private boolean first = true; // whether the innermost bracket is still empty
    private boolean named; // whether the last call wrote a name, so that a value must follow

    /** Opens an object. */
    @NonNull
    public JsonWriter beginObject() {
        return begin('{', '}');
    }

    /** Closes the innermost bracket, which must be an object. */
    @NonNull
    public JsonWriter endObject() {
        return end('}');
    }

    /** Opens an array. */
    @NonNull
    public JsonWriter beginArray() {
        return begin('[', ']');
    }

    /** Closes the innermost bracket, which must be an array. */
    @NonNull
    public JsonWriter endArray() {
        return end(']');
    }

    /** Writes the name of an object's next member. */
    @NonNull
    public JsonWriter name(@NonNull String name) {
        if (named || innermost() != '}') {
            throw new IllegalStateException("a name must be in an object, after the previous value: " + name);
        }
        separate();
        quote(name);
        text.append(": ");
        named = true;
        return this;
    }

    /** Writes a string, or null. */
    @NonNull
    public JsonWriter value(@Nullable String value) {
        startValue();
        if (value == null) {
            text.append("null");
        } else {
            quote(value);
        }
        return this;
    }

    /** Writes an integer. */
    @NonNull
    public JsonWriter value(long value) {
        startValue();
        text.append(value);
        return this;
    }

    /** Writes a number that reads back as the same double; null for NaN and infinities, which JSON does not have. */
    @NonNull
    public JsonWriter value(double value) {
        startValue();
        if (Double.isNaN(value) || Double.isInfinite(value)) {
            text.append("null");
        } else {
            text.append(value);
        }
        return this;
    }

    /** Writes true or false. */
    @NonNull
    public JsonWriter value(boolean value) {
        startValue();
        text.append(value);
        return this;
    }

    /** Returns the whole text, with a newline at its end. */
    @Override
    @NonNull
    public String toString() {
        if (open.length() > 0 || text.length() == 0) {
            throw new IllegalStateException("the JSON is not complete: it is empty or has open brackets");
        }
        return text + "\n";
    }

    private JsonWriter begin(char bracket, char closing) {
        startValue();
        text.append(bracket);
        open.append(closing);
        first = true;
        return this;
    }

    private JsonWriter end(char closing) {
        if (named || innermost() != closing) {
            throw new IllegalStateException("the closing bracket " + closing + " does not fit here");
        }
        open.setLength(open.length() - 1);
        if (!first) {
            newLine();
        }
        text.append(closing);
        first = false;
        return this;
    }

    private void startValue() {
        if (named) {
            named = false;
        } else if (innermost() == '}') {
            throw new IllegalStateException("a value in an object needs a name");
        } else if (innermost() == 0 && text.length() > 0) {
            throw new IllegalStateException("a second value outside all brackets");
        } else if (innermost() == ']') {
            separate();
        }
    }

    private void separate() {
        if (!first) {
            text.append(',');
        }
        first = false;
        newLine();
    }

    private void newLine() {
        text.append('\n');
        for (int i = 0; i < open.length(); i++) {
            text.append(INDENT);
        }
    }

    private char innermost() {
        return open.length() == 0 ? 0 : open.charAt(open.length() - 1);
    }

    private void quote(String value) {
        text.append('"');
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            if (c == '"' || c == '\\') {
                text.append('\\').append(c);
            } else if (c < 0x20 || Character.isSurrogate(c) || c == 0x2028 || c == 0x2029) {
                // Surrogates are escaped because UTF-8 cannot encode a lone one.
                text.append("\\u");
                String hex = Integer.toHexString(c);
                for (int pad = hex.length(); pad < 4; pad++) {
                    text.append('0');
                }
                text.append(hex);
            } else {
                text.append(c);
            }
        }
        text.append('"');
    }
}
