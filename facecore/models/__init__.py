"""The catalogue of networks, and how each is fed and read."""
