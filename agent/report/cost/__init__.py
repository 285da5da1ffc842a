"""Reports of what things cost: deployment modes, bills, batches, scenarios, training."""
