"""The forecast: pure functions and frozen records; no I/O, no clock, no global state."""
