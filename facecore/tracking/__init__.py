"""Faces of successive frames kept together: numbers for tracks, and readings shared over them."""
