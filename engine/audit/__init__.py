"""The audit: a plan of checks, measured on a run and its dataset; a report, and a bundle to check it again by."""
