"""The append-only log: every step of every actor, chained."""
