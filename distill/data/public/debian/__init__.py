"""Debian's package descriptions and their sections."""
