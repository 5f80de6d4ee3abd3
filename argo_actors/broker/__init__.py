"""The only order I/O: schedules, sends through one gate, reads everything back."""
