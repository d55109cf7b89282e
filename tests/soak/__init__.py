"""The real server under steady load for as long as one likes."""
