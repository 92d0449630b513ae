package ai.mmnet.matting;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import org.junit.After;
import org.junit.Before;
import org.junit.Test;
import org.tensorflow.lite.DataType;
import org.tensorflow.lite.Interpreter;

/** Tests of InterpreterModel against a replacement for LiteRT. */
public class InterpreterModelTest {
    private static final int SIZE = 16;
    private static final int THREADS = 3;

    @Before
    public void resetInterpreters() {
        Interpreter.open = 0;
        Interpreter.USED_BUFFERS.clear();
    }

    @After
    public void everyInterpreterIsClosed() {
        assertEquals(0, Interpreter.open);
    }

    /** Returns a model file as the replacement for LiteRT reads it. */
    private static ByteBuffer model(int size, DataType image, DataType alpha, int channels, int fault) {
        byte[] bytes = {0, 0, 0, 0, 'T', 'F', 'L', '3', (byte) size, (byte) image.ordinal(), (byte) alpha.ordinal(),
            (byte) channels, (byte) fault};
        ByteBuffer buffer = ByteBuffer.allocateDirect(bytes.length).order(ByteOrder.nativeOrder());
        buffer.put(bytes);
        buffer.rewind();
        return buffer;
    }

    @Test
    public void everyByteIsConvertedForEveryType() throws MattingException {
        byte[] input = new byte[3 * SIZE * SIZE];
        byte[] expected = new byte[SIZE * SIZE];
        DataType[] types = {DataType.UINT8, DataType.FLOAT32};
        for (DataType image : types) {
            for (DataType alpha : types) {
                Interpreter.USED_BUFFERS.clear();
                try (InterpreterModel model = new InterpreterModel(model(SIZE, image, alpha, 3, Interpreter.NO_FAULT), THREADS)) {
                    assertEquals(SIZE, model.size());
                    for (int round = 0; round < 3; round++) {
                        new Random(round).nextBytes(input);
                        for (int i = 0; i < expected.length; i++) {
                            input[3 * i] = (byte) (i + round); // all 256 values
                            expected[i] = (byte) (i + round);
                        }
                        byte[] result = new byte[SIZE * SIZE];
                        model.run(input, result);
                        assertArrayEquals(image + " " + alpha, expected, result);
                    }
                }
                assertEquals("buffers must be allocated once", 2, Interpreter.USED_BUFFERS.size());
            }
        }
    }

    @Test
    public void modelsWithOtherTensorsAreRefusedInOneLine() {
        refused(model(SIZE, DataType.UINT8, DataType.UINT8, 4, Interpreter.NO_FAULT), "[1, 16, 16, 4]");
        refused(model(SIZE, DataType.INT8, DataType.UINT8, 3, Interpreter.NO_FAULT), "INT8");
        refused(model(SIZE, DataType.UINT8, DataType.INT8, 3, Interpreter.NO_FAULT), "INT8");
        refused(model(0, DataType.UINT8, DataType.UINT8, 3, Interpreter.NO_FAULT), "[1, 0, 0, 3]");
        refused(model(SIZE, DataType.UINT8, DataType.UINT8, 3, Interpreter.DAMAGED), "damaged");
        refused(model(SIZE, DataType.UINT8, DataType.UINT8, 3, Interpreter.NOT_PREPARED), "prepare");
        refused(model(SIZE, DataType.UINT8, DataType.UINT8, 3, Interpreter.TWO_INPUTS), "one input");
        refused(model(SIZE, DataType.UINT8, DataType.UINT8, 3, Interpreter.ODD_SCALE), "scale 0.5");
        refused(ByteBuffer.allocateDirect(100), "not a .tflite");
        refused(ByteBuffer.allocateDirect(0), "not a .tflite");
    }

    /** Checks that a model is refused with one line that contains a text. */
    private static void refused(ByteBuffer content, String text) {
        String message = assertThrows(MattingException.class, () -> new InterpreterModel(content, THREADS)).getMessage();
        assertTrue(message, message.contains(text));
        assertTrue(message, !message.contains("\n"));
        assertEquals(text, 0, Interpreter.open);
    }

    @Test
    public void anAlphaThatIsNotANumberIsRefused() throws MattingException {
        ByteBuffer content = model(SIZE, DataType.UINT8, DataType.FLOAT32, 3, Interpreter.NOT_A_NUMBER);
        try (InterpreterModel model = new InterpreterModel(content, THREADS)) {
            assertThrows(IllegalStateException.class,
                    () -> model.run(new byte[3 * SIZE * SIZE], new byte[SIZE * SIZE]));
        }
    }

    @Test
    public void runtimeVersionIsNullWithoutTheLibrary() {
        assertNull(InterpreterModel.runtimeVersion());
    }
}
