"""Jobs: photos, videos or a camera in, files with mattes or composites out, as `mmnet matte` does them.

A job mattes one source into one output. Planning names and checks the outputs before any work begins. Running returns
a result for every job and tells a listener how far it is. Nothing here prints: `mmnet.cli` shows what the listener is
told.

The door of this room:

- `planning.plan_jobs`: sources and an output -> `MatteJob`s; `outputs.plan_outputs`: only the names of the outputs.
- `request.MatteRequest`, `request.VideoOptions`: what is asked for of every job; `request.RequestError`.
- `runner.run_jobs`, `runner.run_camera`: do the jobs.
- `results.MatteResult`, `results.VideoResult`: what came of a job; `results.MatteListener`: what is told meanwhile.
"""
