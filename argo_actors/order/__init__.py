"""WHAT WE ASK FOR: one actor per symbol (pure)."""
