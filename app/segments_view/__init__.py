"""Segments: made by filters, looked into: whom they hold, what sells to them and where its photo is hot."""
