"""How long a model takes and how much memory, on this host and on a phone; accuracy against latency as a figure."""
