"""Students: small torch modules from features to logits."""
