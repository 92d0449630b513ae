"""Latency and memory on this host.

- `measurement` measures models and returns the finished entry of the JSON document.
- `startup` starts one model in a process of its own: load, first run, warm-up, memory.
- `rounds` lets all models take turns, and `stages` times the stages of one matte.
- `machine` describes this host; `naive` makes the naive conversion that rewritten models are compared with.
"""
