"""What the article says, measured again: ``python -m tests.measure.NAME``; see docs."""
