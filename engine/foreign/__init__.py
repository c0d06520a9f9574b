"""Models from elsewhere: a SASRec-style state dict as a run of ours, and scorers that only answer with scores."""
