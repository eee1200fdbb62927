from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from distill.experiments.proving_ground import significance


def test_holms_correction_is_the_textbooks() -> None:
    # The worked example of the Holm-Bonferroni method: at 0.05 the fourth and the first hypothesis alone are rejected.
    adjusted = significance.holm([0.01, 0.04, 0.03, 0.005])
    assert adjusted == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert [significance.is_clear(p) for p in adjusted] == [True, False, False, True]


def test_an_adjusted_p_is_never_over_one_and_keeps_the_order_of_the_raw_ones() -> None:
    assert significance.holm([0.9, 0.8, 0.001]) == pytest.approx([1.0, 1.0, 0.003])
    assert significance.holm([]) == []


def test_a_paired_difference_is_a_one_sided_t_test_over_rows() -> None:
    random = np.random.default_rng(0)
    ours, theirs = random.normal(size=(1, 50)), random.normal(size=(1, 50)) + 0.3
    found = significance.paired(ours, theirs)
    wanted = ttest_1samp((ours - theirs)[0], 0, alternative="less")
    assert found.p_worse == pytest.approx(float(wanted.pvalue))
    assert found.value == pytest.approx(float((ours - theirs).mean()))
    assert significance.paired(theirs, ours).p_worse == pytest.approx(1 - found.p_worse)


def test_seeds_are_averaged_within_a_row_so_that_more_of_them_are_no_more_rows() -> None:
    random = np.random.default_rng(1)
    ours, theirs = random.normal(size=(1, 50)), random.normal(size=(1, 50))
    one = significance.paired(ours, theirs)
    three = significance.paired(np.repeat(ours, 3, axis=0), np.repeat(theirs, 3, axis=0))
    assert three.error == pytest.approx(one.error)
    assert three.p_worse == pytest.approx(one.p_worse)


def test_contenders_that_answer_alike_are_neither_worse() -> None:
    same = np.ones((2, 20))
    assert significance.paired(same, same).p_worse == 1.0
    assert significance.paired(same - 1, same).p_worse == 0.0


def test_the_bootstrap_over_sets_is_paired() -> None:
    theirs = np.random.default_rng(2).normal(size=12) * 5  # sets differ by far more than contenders do
    found = significance.over_sets("gain", (theirs + 0.02).tolist(), theirs.tolist())
    assert (found.value, found.low, found.high, found.n) == (0.02, 0.02, 0.02, 12)


def test_one_set_that_gains_much_does_not_make_the_mean_sure() -> None:
    found = significance.over_sets("gain", [1.0, -0.01, -0.01, -0.01], [0.0] * 4)
    assert found.low < 0 < found.value
