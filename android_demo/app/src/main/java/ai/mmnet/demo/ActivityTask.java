package ai.mmnet.demo;

import android.app.Activity;
import android.content.Context;
import android.os.AsyncTask;
import java.lang.ref.WeakReference;

/**
 * A task of an activity that runs on a background thread. Its result is passed to the activity on the main thread, and
 * dropped if the activity was destroyed in the meantime.
 */
abstract class ActivityTask<A extends Activity, T> extends AsyncTask<Void, Void, T> {
    private final WeakReference<A> activity;
    private final Context context;
    private String problem;

    ActivityTask(A activity) {
        this.activity = new WeakReference<>(activity);
        context = activity.getApplicationContext();
    }

    /** Computes the result on a background thread. The message of an exception is shown to the user. */
    abstract T runInBackground(Context application) throws Exception;

    /** Receives the result on the main thread. */
    abstract void onSuccess(A owner, T result);

    /** Receives a message for the user on the main thread, if the task failed. */
    abstract void onFailure(A owner, String message);

    @Override
    protected final T doInBackground(Void... nothing) {
        try {
            return runInBackground(context);
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
            onFailure(owner, problem);
        } else {
            onSuccess(owner, result);
        }
    }
}
