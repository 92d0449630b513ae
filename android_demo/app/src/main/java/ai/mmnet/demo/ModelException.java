package ai.mmnet.demo;

/** Thrown when a model cannot be used. The message is one line for the user. */
final class ModelException extends Exception {
    private static final long serialVersionUID = 1;

    ModelException(String message, Throwable cause) {
        super(message, cause);
    }

    ModelException(String message) {
        super(message);
    }
}
