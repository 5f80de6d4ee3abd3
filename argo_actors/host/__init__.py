"""This host: where an account's state lives, its secrets, its lock, its log."""
