"""Single figures of a plan: latencies, memory, instances, the autoscaler, and the server on each machine."""
