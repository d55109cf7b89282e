"""Tests and screenshots with a real server and a real browser."""
