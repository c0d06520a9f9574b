"""One file per view; a view talks to the session, never to another view."""
