"""Settings that travel: one file from the page to the command line, a server and a container."""
