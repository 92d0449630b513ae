package ai.mmnet.core;

import androidx.annotation.NonNull;

/** Whether an alpha shows anybody (preprocessing.md, section 9). */
public final class Presence {
    private static final int SOMEBODY = 224; // there is somebody if the confidence is at least this
    private static final int WINDOWS = 16; // a window has 1/16 of the alpha's side

    private Presence() {
    }

    /**
     * Returns the mean alpha, rounded down, of the window in which it is highest: 0-255.
     *
     * @param alpha of the model: size · size bytes.
     * @param size side of the alpha in pixels.
     */
    public static int confidence(@NonNull byte[] alpha, int size) {
        int side = Math.max(1, size / WINDOWS);
        int[] columns = new int[size]; // of each column, the sum of the latest rows
        int highest = 0;
        for (int row = 0; row < size; row++) {
            for (int column = 0; column < size; column++) {
                columns[column] += alpha[row * size + column] & 255;
                if (row >= side) {
                    columns[column] -= alpha[(row - side) * size + column] & 255;
                }
            }
            if (row >= side - 1) {
                highest = Math.max(highest, highestSum(columns, side));
            }
        }
        return highest / (side * side);
    }

    /** Whether a confidence is too low for anybody. */
    public static boolean isNobody(int confidence) {
        return confidence < SOMEBODY;
    }

    /** Returns the highest sum of {@code side} neighbours. */
    private static int highestSum(int[] values, int side) {
        int sum = 0;
        int highest = 0;
        for (int i = 0; i < values.length; i++) {
            sum += values[i] - (i >= side ? values[i - side] : 0);
            if (i >= side - 1) {
                highest = Math.max(highest, sum);
            }
        }
        return highest;
    }
}
