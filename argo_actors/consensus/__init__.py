"""WHAT WE BELIEVE (pure)."""
