"""WHAT WE SEE: one supervised actor per provider."""
