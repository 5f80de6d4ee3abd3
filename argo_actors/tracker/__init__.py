"""WHAT WE OWN (pure)."""
