from __future__ import annotations

from pathlib import Path

import pytest

from distill.errors import RecipeError
from distill.recipe.schema import Teacher as Config
from distill.teachers import fit
from tests.distill import made


@pytest.mark.parametrize("kind", ["oracle", None])
def test_an_unknown_kind_of_teacher_is_refused_by_name_with_those_there_are(kind: str | None) -> None:
    known = "encoder, tfidf, boosted_trees, extra_trees, linear, vision, histograms, precomputed, stack"
    wanted = rf"teacher\.kind is {kind!r}, wanted one of {known}\."
    with pytest.raises(RecipeError, match=wanted):
        fit.fit(Config(kind=kind), made.tabular_dataset(20, 10), 1, 0, Path())
