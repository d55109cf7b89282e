"""Tests of the live frames."""
