"""Training a run: its settings, its loop, its checkpoints."""
