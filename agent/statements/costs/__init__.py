"""What is asked of costs beside a forecast: batches, scenarios, training."""
