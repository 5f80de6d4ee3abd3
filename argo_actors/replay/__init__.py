"""Verify a journal, and show where the code would now decide otherwise."""
