"""Other choices than the plan's, each sketched beside it: models, hardware, what is cheaper, what is faster."""
