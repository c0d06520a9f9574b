"""What a run is worth, measured as a user would check it: full ranking, intervals, baselines, knock-outs."""
