"""A server's queue, its networks, and the history of its runs."""
