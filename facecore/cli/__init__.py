"""The subcommands of ``python -m facecore``, one module each."""
