"""Several workloads at once: pooled on one fleet, beside each other on the same cards, or apart. May enter: all options
of one workload, and what sizes and prices fleets."""
