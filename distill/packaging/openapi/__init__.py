"""The OpenAPI document of a bundle."""
