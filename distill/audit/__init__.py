"""Whether the data is fit to learn from: findings before training."""
