"""The simulated world: an Alpaca-compatible exchange and the other providers, fed by one market."""
