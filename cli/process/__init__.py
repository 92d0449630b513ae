"""The process of a command: its standard streams, its signals, its log, and how it ends."""
