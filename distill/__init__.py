"""Makes bundles: rows and a teacher go in, a small sealed graph with its evidence comes out."""
