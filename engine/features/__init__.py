"""Encoders and their cached token features."""
