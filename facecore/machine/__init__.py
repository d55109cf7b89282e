"""This machine and process: limits, memory, what a run cost."""
