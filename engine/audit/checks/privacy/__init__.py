"""What the run gives away of its shoppers, and what the data holds of them that it should not."""

from engine.audit.checks.privacy import membership

CHECKS = (membership.CHECK,)
