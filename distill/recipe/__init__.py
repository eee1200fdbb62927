"""A recipe: TOML to frozen models, and which parts go together."""
