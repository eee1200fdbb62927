"""Models that return logits for rows: encoder, boosted trees, precomputed columns."""
