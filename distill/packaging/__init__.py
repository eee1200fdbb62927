"""The sealed bundle on disk, and all that stands in it."""
