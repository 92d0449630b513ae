"""Latency and memory on this machine."""
