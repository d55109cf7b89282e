"""Measurements to run by hand on a quiet machine; no test times anything."""
