"""Everything that a release, a rollback or a status has to know of the cloud, read in one go. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from infra.aws.ecr import Images
from infra.monitoring.alarms import Alarm, Watch
from infra.registry.tags import LIVE
from infra.release.alias import Switch
from infra.release.function import Function, Lambda
from infra.release.journal import Journal
from infra.release.plan import Bundle, Options, State, repository_of


@dataclass(frozen=True)
class Cloud:
    """What a release reads and moves. Tests put others in their places."""

    function: Lambda
    switch: Switch
    images: Images
    watch: Watch
    journal: Journal | None  # None where no registry is named


def read_state(cloud: Cloud, options: Options, bundle: Bundle) -> State:
    """Look at everything that bears on the release of `bundle`."""
    function = cloud.function.read()
    repository = repository_of(options, function)
    uri = cloud.images.repository(repository)
    journal = cloud.journal if cloud.journal and cloud.journal.registry.bucket.exists() else None
    return State(
        journal is not None,
        journal is not None and journal.holds(bundle.name, bundle.version),
        uri,
        cloud.images.digest(repository, bundle.tag) if uri else None,
        function,
        cloud.switch.read() if function else None,
        alarms_of(cloud.watch, options.alarms, function),
        journal is not None and journal.registry.tags(bundle.name).version(LIVE) == bundle.version,
    )


def alarms_of(watch: Watch, names: tuple[str, ...], function: Function | None) -> tuple[Alarm, ...]:
    """The alarms that were named, or all that watch the function."""
    if names:
        return watch.named(names)
    return watch.found(function.name, function.service) if function else ()
