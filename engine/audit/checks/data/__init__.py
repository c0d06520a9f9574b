"""What the run was made of: whole files, known origin, gaps, and no look into the future."""

from engine.audit.checks.data import leakage, whole

CHECKS = (whole.CHECK, leakage.CHECK)
