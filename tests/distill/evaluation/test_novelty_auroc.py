from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from distill.data.rows import Dataset, Rows
from distill.errors import DataError
from distill.evaluation import novelty_auroc
from distill.evaluation.novelty_auroc import Contrast
from distill.graph import calibrate, export, quantize
from distill.modalities.register import MODALITIES
from distill.training.soft_labels import SoftLabels
from tests.distill import made


def grouped(train: dict[str, int], validation: dict[str, int], test: dict[str, int]) -> Dataset:
    parts = []
    for seed, counts in enumerate((train, validation, test)):
        groups = [group for group, count in counts.items() for _ in range(count)]
        rows = made.opinions(len(groups), seed)
        parts.append(replace(rows, groups=np.array(groups, dtype=object)))
    return made.dataset_of("text", made.inputs_of(parts[0]), parts)


def contrast(dataset: Dataset, group: str | None = None) -> Contrast:
    return novelty_auroc.contrast(MODALITIES[dataset.task], dataset, group, 0)


EVEN = {"web": 50, "news": 40, "film": 60}


def test_the_smallest_group_with_enough_rows_is_left_out() -> None:
    found = contrast(grouped(EVEN, EVEN, EVEN | {"tiny": 5}))
    assert found.left_out == "news"
    assert "news" in found.words
    assert len(found.new) == 40
    assert len(found.known) == 115


def test_the_group_that_the_recipe_names_is_left_out() -> None:
    assert contrast(grouped(EVEN, EVEN, EVEN), "film").left_out == "film"


def test_an_unknown_group_is_refused_with_those_there_are() -> None:
    with pytest.raises(DataError, match=r"'movie'.*film, news, web"):
        contrast(grouped(EVEN, EVEN, EVEN), "movie")


def test_a_group_of_rows_without_groups_is_refused() -> None:
    with pytest.raises(DataError, match=r"no groups.*data\.group"):
        contrast(made.text_dataset(), "web")


@pytest.mark.parametrize(
    ("train", "validation"),
    [({"web": 20, "news": 50}, EVEN), (EVEN, {"news": 30})],
    ids=["training", "validation"],
)
def test_a_group_that_leaves_too_few_rows_is_refused_or_passed_over(
    train: dict[str, int], validation: dict[str, int]
) -> None:
    dataset = grouped(train, validation, {"news": 40, "web": 50})
    with pytest.raises(DataError, match=r"'news'; without it"):
        contrast(dataset, "news")
    assert contrast(dataset).left_out != "news"


def test_one_group_alone_is_judged_on_scrambled_rows() -> None:
    one = {"web": 60}
    assert contrast(grouped(one, one, one)).left_out is None


def test_groups_that_training_never_saw_are_no_contrast_to_each_other() -> None:
    assert contrast(grouped({"film": 60}, {"film": 60}, {"news": 40, "web": 50})).left_out is None


def test_scrambled_texts_keep_their_letters_and_lose_their_words() -> None:
    found = contrast(made.text_dataset())
    before, after = found.known.columns["text"].tolist(), found.new.columns["text"].tolist()
    assert before != after
    assert [sorted(text) for text in before] == [sorted(text) for text in after]
    assert [len(text.split()) for text in before] == [len(text.split()) for text in after]


def test_scrambled_columns_keep_their_values_and_lose_their_rows() -> None:
    dataset = made.tabular_dataset()
    found = contrast(dataset)
    for name, column in found.known.columns.items():
        assert sorted(map(str, column)) == sorted(map(str, found.new.columns[name]))
    assert found.known.columns["width"].tolist() != found.new.columns["width"].tolist()


def test_the_probes_training_sees_no_row_of_the_group_and_no_variant_of_one() -> None:
    dataset = grouped(EVEN, EVEN, EVEN)
    copies = replace(
        dataset.train,
        keys=np.array([key[:12] + "f" * 20 for key in dataset.train.keys], dtype=object),
        groups=None,
    )
    joined = Rows(
        columns={"text": np.concatenate([dataset.train.columns["text"], copies.columns["text"]])},
        labels=np.concatenate([dataset.train.labels, copies.labels]),
        keys=np.concatenate([dataset.train.keys, copies.keys]),
    )
    soft = SoftLabels(joined, np.arange(2 * len(joined), dtype=np.float32).reshape(-1, 2))
    held = SoftLabels(dataset.validation, np.arange(2 * len(dataset.validation), dtype=np.float32).reshape(-1, 2))
    fewer, watched, smaller = novelty_auroc.without(soft, held, dataset, "news")
    others = np.flatnonzero(dataset.validation.groups != "news")
    assert watched.rows.keys.tolist() == smaller.validation.keys.tolist() == held.rows.keys[others].tolist()
    assert watched.logits.tolist() == held.logits[others].tolist()
    kept = np.flatnonzero(np.tile(dataset.train.groups != "news", 2))
    assert fewer.rows.keys.tolist() == joined.keys[kept].tolist()
    assert fewer.logits.tolist() == soft.logits[kept].tolist()
    assert "news" not in {*smaller.train.groups.tolist(), *smaller.validation.groups.tolist()}
    assert smaller.test is dataset.test


def test_a_score_that_tells_new_rows_apart_gets_an_auroc_near_one() -> None:
    dataset = made.tabular_dataset()
    student = made.student("mlp", dataset)
    small = quantize.weights(export.graph(student))
    graph = calibrate.fit(small, student.modality, dataset.train, dataset.validation).graph
    known = contrast(dataset).known
    far = replace(known, columns=known.columns | {"width": known.columns["width"] + 100})
    told = novelty_auroc.judge(graph, Contrast("far rows", known, far, None), 0)
    same = novelty_auroc.judge(graph, Contrast("the same rows", known, known, None), 0)
    assert told.contrast == "far rows"
    assert told.auroc.value > 0.95
    assert told.auroc.low <= told.auroc.value <= told.auroc.high
    assert same.auroc.value == same.auroc_confidence.value == 0.5
    assert same.auroc.low < 0.5 < same.auroc.high
