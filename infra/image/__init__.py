"""The Lambda container image, from a staged bundle to a digest."""
