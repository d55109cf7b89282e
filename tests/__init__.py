"""Tests; each module mirrors one of facecore."""
