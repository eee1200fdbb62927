"""Keys that sign bundles, and whose signature counts."""
