"""The Analyze page."""
