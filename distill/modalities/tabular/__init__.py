"""Columns: prelude, students, augmentation, novelty, baseline, golden inputs."""
