"""The Data view: a dataset's tables, what its columns hold, what its products lack."""
