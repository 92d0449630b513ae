package ai.mmnet.core;

/** Writes one JSON value, indented. What would not be JSON throws IllegalStateException. */
public final class JsonWriter {
    private static final String INDENT = "  ";

    private final StringBuilder text = new StringBuilder();
    private final StringBuilder open = new StringBuilder(); // the brackets to close, innermost last
    private boolean first = true; // nothing stands in the innermost bracket yet
    private boolean named; // a name waits for its value

    public JsonWriter beginObject() {
        return begin('{', '}');
    }

    public JsonWriter endObject() {
        return end('}');
    }

    public JsonWriter beginArray() {
        return begin('[', ']');
    }

    public JsonWriter endArray() {
        return end(']');
    }

    public JsonWriter name(String name) {
        if (named || innermost() != '}') {
            throw new IllegalStateException("a name outside an object: " + name);
        }
        separate();
        quote(name);
        text.append(": ");
        named = true;
        return this;
    }

    /** A text, or null. */
    public JsonWriter value(String value) {
        startValue();
        if (value == null) {
            text.append("null");
        } else {
            quote(value);
        }
        return this;
    }

    public JsonWriter value(long value) {
        startValue();
        text.append(value);
        return this;
    }

    /** A number that reads back as the same double; null for NaN and the infinities, which JSON has not. */
    public JsonWriter value(double value) {
        startValue();
        if (Double.isNaN(value) || Double.isInfinite(value)) {
            text.append("null");
        } else {
            text.append(value);
        }
        return this;
    }

    public JsonWriter value(boolean value) {
        startValue();
        text.append(value);
        return this;
    }

    /** The whole text, with a newline at its end. */
    @Override
    public String toString() {
        if (open.length() > 0 || text.length() == 0) {
            throw new IllegalStateException("the JSON is not complete");
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
            throw new IllegalStateException("nothing to close with " + closing);
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
            throw new IllegalStateException("a value without a name");
        } else if (innermost() == 0 && text.length() > 0) {
            throw new IllegalStateException("a second value");
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
                // Escaped, so that a lone surrogate survives UTF-8 as well.
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
