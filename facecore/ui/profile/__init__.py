"""Settings on their way: from a link or a file into the sidebar's controls, and out again."""
