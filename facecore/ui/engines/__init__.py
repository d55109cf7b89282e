"""The Engines page."""
