"""Heedmap's window. It talks to the engine process and never computes."""
