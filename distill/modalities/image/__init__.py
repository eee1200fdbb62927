"""Pictures: what is particular to them."""
