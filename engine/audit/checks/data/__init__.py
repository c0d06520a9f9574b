"""What the run was made of: whole files, known origin, gaps, and no look into the future."""

from engine.audit.checks.data import across, gaps, hindsight, leakage, lineage, whole

CHECKS = (whole.CHECK, lineage.CHECK, gaps.CHECK, leakage.CHECK, hindsight.CHECK, across.CHECK)
