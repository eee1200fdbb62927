"""The sealed bundle: its manifest, file names, signature, and what counts as the same golden answer."""
