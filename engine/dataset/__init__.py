"""A shop's data on disk: schema, store, splits, statistics, the synthetic sample."""
