"""One step of a replica in seconds: what it moves and computes, the rates of the kernels, the table of times.

Models, accelerators and fitted constants enter; no traffic, no queue, no price.
"""
