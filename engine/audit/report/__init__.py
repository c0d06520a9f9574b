"""The report of an audit: content made once, written as HTML and as PDF."""
