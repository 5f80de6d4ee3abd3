"""WHAT WE DARE (pure)."""
