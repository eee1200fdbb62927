"""Bundles in S3: pushed once, found by tag, with their history."""
