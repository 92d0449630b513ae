package ai.mmnet.matting;

/** Thrown when a model cannot be used. The message is one line in English. */
public final class MattingException extends Exception {
    private static final long serialVersionUID = 1;

    MattingException(String message, Throwable cause) {
        super(message, cause);
    }

    MattingException(String message) {
        super(message);
    }
}
