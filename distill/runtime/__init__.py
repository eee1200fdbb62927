"""How graphs are run over many rows."""
