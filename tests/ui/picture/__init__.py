"""Tests of facecore/ui/picture."""
