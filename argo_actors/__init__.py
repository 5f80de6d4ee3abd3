"""source -> consensus -> risk -> order -> tracker: one account's trading day, as supervised actors."""
