"""Tests of facecore/ui/analyze."""
