"""Many images on many cores or machines: `mmnet batch`, and the workers of `mmnet evaluate --ray`.

A job mattes every image of a source into a destination. Its steps, each in a module of its own:

- `store`: a folder, an object store or anything else that holds files.
- `sources`: lists the images of a source and reads them; `plan`: names their results and groups them into tasks.
- `existing`: scans the destination for results, so that a job continues where an earlier run ended.
- `worker` and `rendering`: one worker, which computes the results of one task after the other; `isolated`: the same in
  a process that may crash.
- `ledger`: the record of the job in its destination.
- `options`: the options of a job.
- `job.run_job`: the whole job on a pool of workers. `pool` is that pool on Ray, and the only module that imports Ray.
- `evaluation`: measures models on such a pool.

`mmnet.api.batching` is the door of this package.
"""

if __name__ != "mmnet.batch":
    raise ImportError("import mmnet.batch: this folder is a package of mmnet")
