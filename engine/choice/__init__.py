"""Choosing: every accelerator, split, precision and term of a question at once, the best by an objective, and the front
of money against latency. May enter: what sizes and prices fleets; a plan of one of them is ``engine.method``'s."""
