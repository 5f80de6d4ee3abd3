"""Actors and supervision; knows nothing of trading."""
