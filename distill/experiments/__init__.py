"""Comparisons of many students: compare, sweep, ablate."""
