"""The Optimise page."""
