package ai.mmnet.matting;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertNull;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import android.content.Context;
import com.google.ai.edge.litert.BuiltinNpuAcceleratorProvider;
import com.google.ai.edge.litert.CompiledModel;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import org.junit.After;
import org.junit.Before;
import org.junit.Test;
import org.tensorflow.lite.DataType;
import org.tensorflow.lite.Interpreter;

/** Tests of the choice between an accelerator and the CPU, with replacements for LiteRT. */
public class LoadedModelTest {
    private static final int SIZE = 16;
    private static final int THREADS = 3;

    private final Context context = new Context();

    @Before
    public void reset() {
        Interpreter.open = 0;
        CompiledModel.open = 0;
        CompiledModel.CREATED.clear();
        CompiledModel.refusal = null;
        CompiledModel.isMissing = false;
        CompiledModel.wrong = 0;
        BuiltinNpuAcceleratorProvider.isSupported = true;
    }

    @After
    public void everythingIsClosedAndNoFileIsLeft() {
        assertEquals(0, Interpreter.open);
        assertEquals(0, CompiledModel.open);
        assertEquals(0, context.getCacheDir().list().length);
        reset();
    }

    private static ByteBuffer model(DataType image, DataType alpha) {
        byte[] bytes = {0, 0, 0, 0, 'T', 'F', 'L', '3', SIZE, (byte) image.ordinal(), (byte) alpha.ordinal(), 3,
            Interpreter.NO_FAULT};
        ByteBuffer buffer = ByteBuffer.allocateDirect(bytes.length).order(ByteOrder.nativeOrder());
        buffer.put(bytes);
        buffer.rewind();
        return buffer;
    }

    private LoadedModel load(Accelerator wanted) throws MattingException {
        return LoadedModel.load(context, model(DataType.UINT8, DataType.UINT8), THREADS, wanted);
    }

    /** Returns why the CPU is used instead of an accelerator. */
    private String refused(Accelerator wanted) throws MattingException {
        LoadedModel loaded = load(wanted);
        assertEquals(Accelerator.CPU, loaded.accelerator);
        byte[] alpha = new byte[SIZE * SIZE];
        loaded.run(Trial.portrait(SIZE), alpha);
        assertEquals(Trial.portrait(SIZE)[0], alpha[0]);
        loaded.close();
        assertTrue(loaded.problem, !loaded.problem.contains("\n"));
        return loaded.problem;
    }

    @Test
    public void theCpuNeedsNoCompiledModel() throws MattingException {
        CompiledModel.isMissing = true;
        LoadedModel loaded = load(Accelerator.CPU);
        assertEquals(Accelerator.CPU, loaded.accelerator);
        assertNull(loaded.problem);
        loaded.close();
    }

    @Test
    public void anAcceleratorIsAloneAndGivesTheSameBytesForEveryType() throws MattingException {
        Accelerator[] accelerators = {Accelerator.GPU, Accelerator.NPU};
        DataType[] types = {DataType.UINT8, DataType.FLOAT32};
        byte[] input = new byte[3 * SIZE * SIZE + 5];
        new Random(1).nextBytes(input);
        for (Accelerator wanted : accelerators) {
            for (DataType image : types) {
                for (DataType alpha : types) {
                    CompiledModel.CREATED.clear();
                    LoadedModel loaded = LoadedModel.load(context, model(image, alpha), THREADS, wanted);
                    assertEquals(wanted, loaded.accelerator);
                    assertNull(loaded.problem);
                    assertEquals("[[" + wanted + "]]", CompiledModel.CREATED.toString());
                    assertEquals("the interpreter is not needed any more", 0, Interpreter.open);
                    byte[] found = new byte[SIZE * SIZE];
                    byte[] expected = new byte[SIZE * SIZE];
                    loaded.run(input, found);
                    for (int i = 0; i < expected.length; i++) {
                        expected[i] = input[3 * i];
                    }
                    assertArrayEquals(expected, found);
                    loaded.close();
                    loaded.close();
                    assertThrows(IllegalStateException.class, () -> loaded.run(input, found));
                }
            }
        }
    }

    @Test
    public void theCpuTakesOverWhereAnAcceleratorIsMissingOrRefuses() throws MattingException {
        CompiledModel.refusal = "no accelerator\nof this kind";
        assertEquals("GPU: no accelerator of this kind", refused(Accelerator.GPU));
        assertEquals("NPU: no accelerator of this kind", refused(Accelerator.NPU));
        CompiledModel.refusal = null;
        CompiledModel.isMissing = true;
        assertTrue(refused(Accelerator.GPU).startsWith("GPU: LiteRT cannot be loaded"));
    }

    @Test
    public void theCpuTakesOverWhereLiteRtKnowsNoNpuOfTheDevice() throws MattingException {
        BuiltinNpuAcceleratorProvider.isSupported = false;
        assertTrue(refused(Accelerator.NPU).startsWith("NPU: LiteRT supports no neural processor"));
    }

    @Test
    public void theCpuTakesOverWhereAnAcceleratorComputesSomethingElse() throws MattingException {
        CompiledModel.wrong = (int) Trial.LIMIT;
        load(Accelerator.GPU).close();
        CompiledModel.wrong = 40;
        assertTrue(refused(Accelerator.GPU).contains("differs from the CPU's by"));
    }

    @Test
    public void aModelThatTheInterpreterRefusesIsRefused() {
        ByteBuffer content = model(DataType.INT8, DataType.UINT8);
        assertThrows(MattingException.class, () -> LoadedModel.load(context, content, THREADS, Accelerator.GPU));
    }
}
