"""One replica under load in closed form: which batch runs, how long requests wait, how latencies are distributed.

Step tables and lengths enter as arrays over candidates; how many replicas there are is decided in
``engine/fleet/size.py``.
"""
