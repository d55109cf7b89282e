"""The project inside a small container's limits."""
