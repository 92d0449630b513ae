package ai.mmnet.demo;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertThrows;
import static org.junit.Assert.assertTrue;

import java.io.File;
import java.io.FileNotFoundException;
import java.io.IOException;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** Tests of the folder for shared files. */
public class SharedFolderTest {
    @Rule
    public final TemporaryFolder cache = new TemporaryFolder();

    @Test
    public void aFileIsFoundByItsName() throws IOException {
        SharedFolder folder = new SharedFolder(cache.getRoot());
        File file = folder.create(System.currentTimeMillis());
        assertEquals(file, folder.find(file.getName()));
        assertTrue(file.getName().endsWith(".png"));
    }

    @Test
    public void aNameLeadsNowhereElse() throws IOException {
        SharedFolder folder = new SharedFolder(cache.getRoot());
        File file = folder.create(System.currentTimeMillis());
        File secret = cache.newFile("secret.png");
        String[] names = {null, "", ".", "..", "../secret.png", "../shared/" + file.getName(), secret.getPath(),
            "missing.png", "a\u0000b"};
        for (String name : names) {
            assertThrows(name, FileNotFoundException.class, () -> folder.find(name));
        }
    }

    @Test
    public void oldFilesAreRemoved() throws IOException {
        SharedFolder folder = new SharedFolder(cache.getRoot());
        long now = System.currentTimeMillis();
        File old = folder.create(now);
        File young = folder.create(now);
        assertTrue(old.setLastModified(now - SharedFolder.KEPT_MILLIS - 60_000));
        folder.create(now);
        assertFalse(old.exists());
        assertTrue(young.exists());
    }
}
