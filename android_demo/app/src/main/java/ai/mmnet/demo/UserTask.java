package ai.mmnet.demo;

import android.app.Activity;
import android.content.Context;
import android.os.AsyncTask;
import java.lang.ref.WeakReference;

/** Work for an activity, away from its thread; what comes of it is dropped where the activity has gone meanwhile. */
abstract class UserTask<A extends Activity, T> extends AsyncTask<Void, Void, T> {
    private final WeakReference<A> activity;
    private final Context context;
    private String problem;

    UserTask(A activity) {
        this.activity = new WeakReference<>(activity);
        context = activity.getApplicationContext();
    }

    /** On another thread. What it throws is told to the user by its message. */
    abstract T work(Context application) throws Exception;

    abstract void done(A owner, T result);

    abstract void failed(A owner, String message);

    @Override
    protected final T doInBackground(Void... nothing) {
        try {
            return work(context);
        } catch (OutOfMemoryError error) {
            problem = context.getString(R.string.out_of_memory);
        } catch (Exception error) {
            problem = error.getMessage() == null ? error.toString() : error.getMessage();
        }
        return null;
    }

    @Override
    protected final void onPostExecute(T result) {
        A owner = activity.get();
        if (owner == null || owner.isDestroyed()) {
            return;
        }
        if (problem != null) {
            failed(owner, problem);
        } else {
            done(owner, result);
        }
    }
}
