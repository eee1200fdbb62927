"""Recipes that come with Limbeck, as TOML."""
