"""What other people's classifiers make of a lesson's rows, each in the peers' environment; see `distill.peers`."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from distill.data.rows import Rows
from distill.experiments import contenders
from distill.experiments.contenders import Entrant
from distill.experiments.peers import exchange, launch
from distill.experiments.peers.exchange import Head, Labelled, Questions, Task
from distill.pipeline.training_inputs import Lesson
from distill.progress import say
from distill.teachers import weights
from distill.teachers.encoder import EncoderModel

SETTINGS = 4  # that a peer may try; the best on validation rows is compared


def ask(lesson: Lesson, base: Path, settings: int = SETTINGS) -> tuple[Entrant, ...]:
    """The peers' entrants, one after the other, kept by content. `base`: where a relative `teacher.model` starts.

    The test rows go over twice, the second time misspelt. Where the teacher is not a fine-tuned encoder, the peers that
    need one are left out.

    Raises:
        PeerError: the peers' environment is missing, or one of them failed.
        FetchError: the encoder's weights cannot be had.
    """
    recipe, rows = lesson.recipe, lesson.rows
    found = weights.find(recipe.teacher.model, recipe.teacher.sha256, base)
    slips = contenders.misspelt(rows.test, recipe.seed)
    with tempfile.TemporaryDirectory() as temporary:
        folder, fitted = Path(temporary) / "questions", Path(temporary) / "fitted"
        head = lesson.teacher.full.save(fitted) if isinstance(lesson.teacher.full, EncoderModel) else None
        questions = Questions(
            task=Task(
                labels=rows.labels,
                seed=recipe.seed,
                settings=settings,
                encoder=found.folder,
                fitted=None if head is None else fitted,
                timed_rows=min(contenders.TIMED_ROWS, len(rows.test)),
                max_tokens=recipe.teacher.max_tokens,
            ),
            train=_labelled(rows.train),
            validation=_labelled(rows.validation),
            test=(*_texts(rows.test), *(() if slips is None else _texts(slips))),
            head=None
            if head is None
            else Head(head.weight.detach().numpy().astype(np.float32), head.bias.detach().numpy().astype(np.float32)),
        )
        exchange.write_questions(folder, questions)
        answers = []
        for peer in launch.PEERS.values():
            if peer.reads == ("fitted",) and head is None:
                say(f"  {peer.name} is left out: it needs a teacher that was fine-tuned")
                continue
            say(f"  {peer.name}")
            answers.append((peer.name, launch.run(peer, folder)))
    count = len(rows.test)
    return tuple(
        Entrant(
            name=name,
            role="peer",
            description=answer.description,
            test=answer.test[:count],
            misspelt=None if slips is None else answer.test[count:],
            kilobytes=answer.kilobytes,
            timings=answer.timings,
        )
        for name, answer in answers
    )


def _texts(rows: Rows) -> tuple[str, ...]:
    return tuple(str(text) for text in rows.columns["text"].tolist())


def _labelled(rows: Rows) -> Labelled:
    kept = rows.take(rows.labelled)
    return Labelled(_texts(kept), tuple(kept.labels.tolist()))
