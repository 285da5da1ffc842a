"""The fleet as it runs: other loads, replicas more or fewer, losses, and what to watch."""
