"""What drives the cycle: market hours, and the pace of market time, by the wall clock or in lockstep."""
