"""A plan with its curves: what pages show beyond what a terminal does."""
