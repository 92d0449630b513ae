"""Comparison of the runtime on emulated Arm processors with the runtime on this machine, byte for byte.

- `processors`: the processors that can be emulated, and the kernels that each one runs.
- `pins`, `fetch`, `environment`: an Arm Python and an emulator from pinned packages, in the user's cache.
- `observer`: the script that runs the runtime on both sides.
- `parity`: the two observers compared, stage by stage.
- `report`: verdict, tolerances and JSON document.
- `errors`: the exceptions.

`environment` and `parity` need Linux; the other modules can be imported anywhere.
"""
