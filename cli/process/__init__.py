"""The process of a command: its arguments, its standard streams, its signals, its log, and how it ends."""
