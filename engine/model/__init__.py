"""The recommender: item tower, shopper sequence, losses, baselines."""
