"""What the run gives away of its shoppers, and what the data holds of them that it should not."""

from engine.audit.checks.privacy import anonymity, attributes, budget, membership, personal, shoppers

CHECKS = (
    membership.CHECK,
    shoppers.CHECK,
    attributes.CHECK,
    personal.CHECK,
    anonymity.PROFILES,
    anonymity.PASTS,
    budget.CHECK,
)
