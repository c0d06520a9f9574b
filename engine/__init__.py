"""Heedmap's engine: data, features, recommender, explanations. It knows nothing of the window."""
