"""What runs a network, one file per inference engine."""
