"""Tests of facecore/ui/live."""
