package ai.mmnet.demo;

import android.content.Context;
import android.content.SharedPreferences;
import android.database.Cursor;
import android.net.Uri;
import android.provider.OpenableColumns;
import java.io.File;
import java.io.FileInputStream;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The models this app has: those among its assets, and those imported from storage. Names end in .tflite. */
final class ModelStore {
    private static final String EXTENSION = ".tflite";
    private static final String CHOSEN = "model";
    private static final int MAX_BYTES = 64 << 20;

    private final Context context;
    private final File imported;
    private final SharedPreferences preferences;

    ModelStore(Context context) {
        this.context = context.getApplicationContext();
        imported = new File(context.getFilesDir(), "models");
        preferences = context.getSharedPreferences("mmnet", Context.MODE_PRIVATE);
    }

    /** A model's bytes, and what identifies it. */
    static final class Content {
        final String name;
        final byte[] bytes;

        Content(String name, byte[] bytes) {
            this.name = name;
            this.bytes = bytes;
        }

        /** For the interpreter. */
        ByteBuffer direct() {
            ByteBuffer buffer = ByteBuffer.allocateDirect(bytes.length).order(ByteOrder.nativeOrder());
            buffer.put(bytes);
            Buffer cursor = buffer; // see LiteRtModel.rewind
            cursor.rewind();
            return buffer;
        }

        String sha256() {
            try {
                StringBuilder text = new StringBuilder();
                for (byte value : MessageDigest.getInstance("SHA-256").digest(bytes)) {
                    text.append(Character.forDigit(value >> 4 & 15, 16)).append(Character.forDigit(value & 15, 16));
                }
                return text.toString();
            } catch (NoSuchAlgorithmException impossible) { // every Android has it
                throw new IllegalStateException(impossible);
            }
        }
    }

    /** The names of all models, sorted; an imported one hides an asset of its name. */
    List<String> names() {
        List<String> names = new ArrayList<>();
        try {
            add(names, context.getAssets().list(""));
        } catch (IOException error) {
            // An app whose assets cannot be listed has none.
        }
        add(names, imported.list());
        String[] sorted = names.toArray(new String[0]);
        Arrays.sort(sorted);
        return Arrays.asList(sorted);
    }

    /** The model chosen last, or the first there is; null where there is none. */
    String chosen() {
        List<String> names = names();
        String name = preferences.getString(CHOSEN, null);
        if (names.contains(name)) {
            return name;
        }
        return names.isEmpty() ? null : names.get(0);
    }

    void choose(String name) {
        preferences.edit().putString(CHOSEN, name).apply();
    }

    /**
     * Reads a model.
     *
     * @param name of a file in the app's external folder, of an imported model, a path, or the name of an asset.
     */
    Content read(String name) throws ModelException {
        try (InputStream in = open(name)) {
            return new Content(new File(name).getName(), Streams.readAll(in, MAX_BYTES));
        } catch (FileNotFoundException error) {
            throw new ModelException(name + ": no such model, or it may not be read", error);
        } catch (IOException error) {
            throw new ModelException(name + ": cannot be read: " + error.getMessage(), error);
        }
    }

    /** Reads what the user chose from storage; it becomes a model of this app only with {@link #keep}. */
    Content read(Uri uri) throws ModelException {
        String name = displayName(uri);
        try (InputStream in = context.getContentResolver().openInputStream(uri)) {
            if (in == null) {
                throw new ModelException(name + ": cannot be opened");
            }
            return new Content(name, Streams.readAll(in, MAX_BYTES));
        } catch (IOException | SecurityException error) {
            throw new ModelException(name + ": cannot be read: " + error.getMessage(), error);
        }
    }

    /** Makes it a model of this app, and the chosen one. */
    void keep(Content model) throws ModelException {
        String name = model.name.endsWith(EXTENSION) ? model.name : model.name + EXTENSION;
        try {
            if (!imported.isDirectory() && !imported.mkdirs()) {
                throw new IOException("no folder for models");
            }
            Streams.write(new File(imported, name), model.bytes);
        } catch (IOException error) {
            throw new ModelException(name + ": cannot be stored: " + error.getMessage(), error);
        }
        choose(name);
    }

    private InputStream open(String name) throws IOException {
        File external = context.getExternalFilesDir(null);
        File[] places = {external == null ? null : new File(external, name), new File(imported, name), new File(name)};
        for (File place : places) {
            if (place != null && place.isFile()) {
                return new FileInputStream(place);
            }
        }
        return context.getAssets().open(name);
    }

    /** The file's own name, without what could lead out of a folder. */
    private String displayName(Uri uri) {
        String name = null;
        String[] columns = {OpenableColumns.DISPLAY_NAME};
        try (Cursor cursor = context.getContentResolver().query(uri, columns, null, null, null)) {
            if (cursor != null && cursor.moveToFirst()) {
                name = cursor.getString(0);
            }
        } catch (RuntimeException error) {
            // Another app's provider; what it throws is no reason to fail here.
        }
        String plain = name == null ? "model" : new File(name).getName();
        return plain.isEmpty() || plain.startsWith(".") ? "model" : plain;
    }

    private static void add(List<String> names, String[] found) {
        if (found == null) {
            return;
        }
        for (String name : found) {
            if (name.endsWith(EXTENSION) && !names.contains(name)) {
                names.add(name);
            }
        }
    }
}
