"""The self-test of an installation: from a drawn sample to an explained, audited and shown run, on this machine.

`steps` names what is tried, `desk` and its neighbours do it inside an engine process, `run` leads through it and `text`
says how it went. Nothing is left behind, and no network is used.
"""
