"""Latency and memory on an Android phone, over adb.

- `measurement` measures models and returns the finished entry of the JSON document.
- `phone` finds a device, runs commands on it and copies files to it.
- `tool` says what a program that measures on the phone provides. There are two: `demo_app` drives the installed demo
  app, and `native_tool` drives TensorFlow Lite's `benchmark_model`, whose options and output `benchmark_model` knows.
- `rounds` lets all models take turns and repeats throttled rounds; `device_state` reads heat, clocks and battery.
- `machine` describes the phone.
"""
