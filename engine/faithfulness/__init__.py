"""Whether a map is true, measured in the model: every map against random orders, every method over many maps."""
