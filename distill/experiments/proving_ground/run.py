"""The proving ground, whole: every set under every seed, each kept as soon as it is measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from distill.experiments.peers import launch
from distill.experiments.proving_ground import measure
from distill.experiments.proving_ground.measure import Measured
from distill.experiments.proving_ground.sets.proving_set import ProvingSet
from distill.progress import say


@dataclass(frozen=True)
class Failure:
    """A set that could not be measured under a seed."""

    name: str
    chapter: str
    seed: int
    reason: str  # the error's first line


@dataclass(frozen=True)
class Results:
    """All that was measured, by set and seed, and what could not be."""

    measured: tuple[Measured, ...]
    failures: tuple[Failure, ...]


def run(sets: Sequence[ProvingSet], seeds: int, settings: int, peer_seeds: int) -> Results:
    """Measure `sets` under the seeds 0 .. `seeds` - 1; all sets under one seed first, then under the next.

    A set that fails does not stop the others, and is tried under every seed. What a killed run had measured is kept.
    Peers are asked under the first `peer_seeds`, each trying as many `settings`.

    Raises:
        PeerError: the peers' environment is missing: said before hours of training, and not after.
    """
    if peer_seeds:
        launch.require()
    measured, failures = [], []
    work = [(seed, one) for seed in range(seeds) for one in sets]
    for place, (seed, one) in enumerate(work, start=1):
        say(f"{one.name}, seed {seed} ({place} of {len(work)})")
        try:
            measured.append(measure.of(one, seed, settings, has_peers=seed < peer_seeds))
        except Exception as error:  # whatever breaks on a stranger's data is a finding, not the end
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            failures.append(Failure(one.name, one.chapter, seed, reason))
            say(f"  failed: {reason}")
    return Results(tuple(measured), tuple(failures))
