"""Rules: business rules made, changed and switched in the window, and what they do to a list."""
