"""Classifiers of other makers, run in an environment of their own on the same rows as the student."""
