"""Explanations: one method, one file, one registry; all return the same Explanation."""
