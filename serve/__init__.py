"""The server `mmnet serve`: photos in over HTTP, alpha mattes, cut-outs and composites out.

- `rendering` renders one photo, in a worker process.
- `workers` keeps the worker processes, and refuses what they cannot take on.
- `metrics` counts.
- `application` is the ASGI application: paths, parameters, limits, errors.
- `protocol` cuts off connections that are slow on purpose.
- `server` runs it until it is stopped.
"""

if __name__ != "mmnet.serve":
    raise ImportError("import mmnet.serve: this folder is a package of mmnet")
