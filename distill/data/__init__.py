"""Rows: read, checked, de-duplicated, split for good."""
