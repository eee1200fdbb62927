"""The order in which `auto` tries students."""

from __future__ import annotations

import numpy as np
import pytest

from distill.graph import export, quantize
from distill.modalities import register, resolve
from distill.pipeline import model_selection
from distill.pipeline.build_student import Draft
from distill.pipeline.training_inputs import TrainingInputs
from distill.training import train
from distill.training.soft_labels import SoftLabels
from tests.distill import made


def file_bytes(inputs: TrainingInputs, draft: Draft) -> int:
    """What the student's graph weighs, untrained."""
    start = inputs.modality.students[str(draft.config.kind)].start
    begun = start(draft.config, inputs.teacher, draft.prelude, True) if start else None
    network = train.fresh(draft.config, inputs.modality, draft.prelude, len(inputs.rows.labels), 0, begun)
    student = train.Student(network.eval(), inputs.modality, draft.prelude, draft.config, 0, 0.0)
    return int(quantize.weights(export.graph(student), draft.config.bits).model.ByteSize())


@pytest.mark.parametrize("name", ["sentiment-quick", "breast-cancer"])
def test_candidates_are_tried_in_the_order_of_their_files_sizes(name: str) -> None:
    recipe, _ = resolve.load(name)
    rows = {"sentiment-quick": made.text_dataset, "breast-cancer": made.tabular_dataset}[name]()
    soft = SoftLabels(rows.train, np.zeros((len(rows.train), len(rows.labels)), np.float32))
    held = SoftLabels(rows.validation, np.zeros((len(rows.validation), len(rows.labels)), np.float32))
    inputs = TrainingInputs(register.named(rows.task), rows, made.teacher(made.SmallEncoder()), (), soft, held, 0, 0)
    drafts = model_selection.by_size(inputs, recipe)
    sizes = [file_bytes(inputs, draft) for draft in drafts]
    assert len(sizes) > 3 and sizes == sorted(sizes), dict(zip((draft.name for draft in drafts), sizes, strict=True))
