"""The subcommands of ``facecore``, one module each."""
