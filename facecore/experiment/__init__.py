"""Comparing variants of settings: each in a worker process of its own, trial by trial.

`variants` says what is compared, `runner` measures it, `record` is what was
measured, raw, `storage` keeps it as JSON, `report` says what it means.
"""
