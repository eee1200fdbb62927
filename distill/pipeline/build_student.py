"""From training inputs and a student's section of a recipe to a student: drafted, taught, finished."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import nn

from distill.graph import calibrate, export, quantize
from distill.modalities.initialization import Start
from distill.modalities.prelude import Prelude
from distill.pipeline.training_inputs import TrainingInputs
from distill.recipe.schema import Student as Config
from distill.training import train


@dataclass(frozen=True)
class Draft:
    """A student before it is taught: its prelude is fitted, its network has a shape."""

    name: str
    section: Config  # of the recipe, as it was written
    config: Config  # with nothing left open
    prelude: Prelude
    alone: bool = False  # taught by gold labels alone: the teacher did not help


@dataclass(frozen=True)
class TrainedStudent:
    """A student from the torch network to the graph that ships."""

    draft: Draft
    student: train.Student
    exported: export.Graph  # before quantisation
    small: export.Graph  # after it
    calibrated: calibrate.Calibrated

    @property
    def description(self) -> str:
        """For a table."""
        taught = ", taught by gold labels alone" if self.draft.alone else ""
        return f"{self.draft.config.kind}, {self.student.parameters:,} parameters, int{self.draft.config.bits}{taught}"


def draft(inputs: TrainingInputs, section: Config, name: str = "student") -> Draft:
    """Fit what the student reads through. What its section leaves open is set for the rows.

    A section that gives gold labels all of the weight is of a student that is taught by them alone, as a sealed one is
    whose teacher did not help.
    """
    alone = section.gold_weight == 1.0
    config = _of_gold_labels(inputs, section) if alone else inputs.budgeted(section)
    prelude = inputs.modality.fit_prelude(config, inputs.rows, inputs.soft.rows, inputs.words, inputs.teacher)
    return Draft(name, section, config, prelude, alone)


def without_teacher(inputs: TrainingInputs, one: Draft) -> Draft:
    """The draft of the same student, taught by gold labels alone."""
    return one if one.alone else replace(one, config=_of_gold_labels(inputs, one.section), alone=True)


def teach(inputs: TrainingInputs, one: Draft, inherits: bool = True) -> train.Student:
    """The student taught by the soft labels.

    `inherits`: whether its weights start from something of the fitted teacher's.
    """
    if one.alone:
        return twin(inputs, one, one.name)
    return _distilled(inputs, one, one.config, inherits, one.name)


def twin(inputs: TrainingInputs, one: Draft, name: str = "hard-label twin") -> train.Student:
    """The same network, which reads through the same prelude, taught by gold labels alone."""
    soft, held = train.hard_labels(inputs.soft), train.hard_labels(inputs.held)
    return _distilled(replace(inputs, soft=soft, held=held), one, without_teacher(inputs, one).config, False, name)


def finish(inputs: TrainingInputs, one: Draft, student: train.Student) -> TrainedStudent:
    """The student as one graph, in integers, calibrated on validation rows."""
    exported = export.graph(student)
    small = quantize.weights(exported, one.config.bits)
    calibrated = calibrate.fit(small, inputs.modality, inputs.rows.train, inputs.rows.validation, inputs.costs)
    return TrainedStudent(one, student, exported, small, calibrated)


def make(inputs: TrainingInputs, section: Config, name: str = "student", inherits: bool = True) -> TrainedStudent:
    """Drafted, taught and finished, for experiments."""
    one = draft(inputs, section, name)
    return finish(inputs, one, teach(inputs, one, inherits))


def stored_bytes(inputs: TrainingInputs, one: Draft) -> int:
    """About how many bytes the student's words and weights will take, without teaching it."""
    network = train.fresh(
        one.config, inputs.modality, one.prelude, len(inputs.rows.labels), inputs.seed, _start(inputs, one, taught=True)
    )
    return stored(network, one.prelude, one.config.bits)


def stored(network: nn.Module, prelude: Prelude, bits: int) -> int:
    """About how many bytes a network's words and weights take in integers of so many bits."""
    tables = {id(layer.weight) for layer in network.modules() if isinstance(layer, nn.Embedding)}
    sizes = [quantize.stored_bytes(it.shape, bits, id(it) in tables) for it in network.parameters()]
    return int(prelude.model.ByteSize()) + sum(sizes)


def _start(inputs: TrainingInputs, one: Draft, taught: bool) -> Start:
    """What the weights start from: something of the fitted teacher's, or of the teacher as it was before."""
    start = inputs.modality.students[str(one.config.kind)].start
    return start(one.config, inputs.teacher, one.prelude, taught) if start else None


def _of_gold_labels(inputs: TrainingInputs, section: Config) -> Config:
    """The section of a student that is taught by gold labels alone. What names them all already says how long."""
    twice = section.gold_weight == 1.0 and "epochs" in section.model_fields_set
    config = inputs.budgeted(section, alone=not twice)
    return config.model_copy(update={"gold_weight": 1.0, "temperature": 1.0})


def _distilled(inputs: TrainingInputs, one: Draft, config: Config, taught: bool, name: str) -> train.Student:
    shape, start = (len(inputs.rows.labels), inputs.seed), _start(inputs, one, taught)
    return train.distill(config, inputs.modality, one.prelude, inputs.soft, inputs.held, *shape, start, name)
