"""The facts: records, units, files, and lookup by the names people say."""
