"""Prices as others publish them → entries of catalog files."""
