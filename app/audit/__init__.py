"""The Audit view: measure a run by a plan, read what was found, check a bundle again."""
