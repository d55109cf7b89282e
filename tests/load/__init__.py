"""The real server under load, inside real limits: what the limits, soak and mutation runs share."""
