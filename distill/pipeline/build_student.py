"""From a lesson and a student's section of a recipe to a student: taught, exported, in integers, calibrated."""

from __future__ import annotations

from dataclasses import dataclass, replace

from distill.data.rows import Dataset
from distill.graph import calibrate, export, quantize
from distill.graph.calibrate import Calibrated
from distill.graph.export import Graph
from distill.modalities.initialization import Start
from distill.modalities.prelude import Prelude
from distill.pipeline.training_inputs import Lesson
from distill.recipe.schema import Student as Config
from distill.training import train
from distill.training.soft_labels import SoftLabels
from distill.training.train import Student


@dataclass(frozen=True)
class Made:
    """A student from the torch network to the graph that ships."""

    section: Config  # of the recipe, as it was written
    config: Config  # with nothing left open
    student: Student
    exported: Graph  # before quantisation
    small: Graph  # after it
    calibrated: Calibrated

    @property
    def description(self) -> str:
        """For a table."""
        return f"{self.config.kind}, {self.student.parameters:,} parameters, int{self.config.bits}"


def read(lesson: Lesson, config: Config) -> Prelude:
    """What the student reads through."""
    return lesson.modality.fit_prelude(config, lesson.rows, lesson.soft.rows, lesson.words, lesson.teacher)


def _start(lesson: Lesson, config: Config, prelude: Prelude, taught: bool) -> Start:
    """What its weights start from: something of the fitted teacher's, or of the teacher as it was before."""
    start = lesson.modality.students[str(config.kind)].start
    return start(config, lesson.teacher, prelude, taught) if start else None


def make(lesson: Lesson, config: Config, name: str = "student", inherits: bool = True) -> Made:
    """Teach a student and finish it. `config`: a recipe's section; what it leaves open is set for the rows.

    `inherits`: whether its weights start from something of the fitted teacher's.
    """
    section, config = config, lesson.paced(config)
    prelude = read(lesson, config)
    start = _start(lesson, config, prelude, inherits)
    shape = (len(lesson.rows.labels), lesson.recipe.seed)
    student = train.distill(config, lesson.modality, prelude, lesson.soft, lesson.rows.validation, *shape, start, name)
    exported = export.graph(student)
    small = quantize.weights(exported, config.bits)
    return Made(
        section,
        config,
        student,
        exported,
        small,
        calibrate.fit(small, lesson.modality, lesson.rows.train, lesson.rows.validation),
    )


def size(lesson: Lesson, config: Config) -> int:
    """Bytes that the student's weights and words will take; it is not taught for this."""
    config = lesson.paced(config)
    prelude = read(lesson, config)
    start = _start(lesson, config, prelude, True)
    network = train.fresh(config, lesson.modality, prelude, len(lesson.rows.labels), lesson.recipe.seed, start)
    fresh = Student(network.eval(), lesson.modality, prelude, config, best_epoch=0, validation_accuracy=0.0)
    return int(quantize.weights(export.graph(fresh), config.bits).model.ByteSize())


def twin(lesson: Lesson, made: Made, name: str = "hard-label twin") -> Student:
    """The same network, which reads through the same prelude, taught by gold labels alone."""
    config = lesson.paced_alone(made.section)
    start = _start(lesson, config, made.student.prelude, False)
    soft = train.hard_labels(lesson.soft)
    shape = (len(lesson.rows.labels), lesson.recipe.seed)
    return train.distill(
        config, lesson.modality, made.student.prelude, soft, lesson.rows.validation, *shape, start, name
    )


def without(lesson: Lesson, rows: Dataset, soft: SoftLabels) -> Lesson:
    """The same lesson from fewer rows."""
    return replace(lesson, rows=rows, soft=soft)
