"""What other people's classifiers make of the rows, each in the peers' environment; see `distill.experiments.peers`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from distill.data.rows import Rows
from distill.evaluation.contenders import Contender
from distill.experiments.peers import launch
from distill.experiments.peers.exchange import Questions
from distill.pipeline import assess
from distill.pipeline.training_inputs import TrainingInputs
from distill.progress import say
from distill.recipe.schema import Teacher
from distill.teachers import encoder_network, weights
from distill.teachers.encoder import EncoderModel

SETTINGS = 4  # that a peer may try; the best on validation rows is compared


def ask(
    inputs: TrainingInputs, config: Teacher, base: Path, perturbed: Rows | None, settings: int = SETTINGS
) -> tuple[Contender, ...]:
    """The peers as contenders, one after the other, kept by content.

    `config`: the teacher's section. `base`: where its relative `model` starts.
    The test rows go over twice, the second time `perturbed`. Where the teacher is not a fine-tuned encoder, the peers
    that need one are left out.

    Raises:
        PeerError: the peers' environment is missing, or one of them failed.
        FetchError: the encoder's weights cannot be had.
    """
    rows, count = inputs.rows, len(inputs.rows.test)
    found = weights.find(config.model, config.sha256, base)
    train, held = (part.take(part.labelled) for part in (rows.train, rows.validation))
    contenders = []
    with tempfile.TemporaryDirectory() as folder:
        model = inputs.teacher.encoder
        head = model.save(Path(folder)) if isinstance(model, EncoderModel) else None
        questions = Questions(
            classes=len(rows.labels),
            seed=inputs.seed,
            settings=settings,
            timed_rows=min(assess.TIMED_ROWS, count),
            max_tokens=config.max_tokens or encoder_network.WINDOW,
            train=_texts(train),
            train_labels=train.labels.tolist(),
            validation=_texts(held),
            validation_labels=held.labels.tolist(),
            test=_texts(rows.test) + ([] if perturbed is None else _texts(perturbed)),
            encoder=str(found.folder),
            fitted=None if head is None else folder,
            head_weight=None if head is None else head.weight.tolist(),
            head_bias=None if head is None else head.bias.tolist(),
        )
        for peer in (it for it in launch.PEERS if it.name in inputs.modality.peers):
            if head is None and "encoder" not in peer.reads and "fitted" in peer.reads:
                say(f"  {peer.name} is left out: it needs a teacher that was fine-tuned")
                continue
            say(f"  {peer.name}")
            answers = launch.run(peer, questions)
            contenders.append(
                Contender(
                    name=peer.name,
                    role="peer",
                    description=answers.about["description"],
                    probabilities=answers.test[:count],
                    perturbed=None if perturbed is None else answers.test[count:],
                    kilobytes=answers.about["kilobytes"],
                    timings=answers.timings,
                )
            )
    return tuple(contenders)


def _texts(rows: Rows) -> list[str]:
    return [str(text) for text in rows.columns["text"].tolist()]
