"""The disclosure threshold: what fewer training rows share is stored nowhere.

A word, a category or a code that occurs in fewer rows could point at a person. Statistical agencies publish no table
cell of fewer than three contributors (Hundepool et al., 2012, "Statistical Disclosure Control").
"""

from __future__ import annotations

MIN_ROWS = 3
