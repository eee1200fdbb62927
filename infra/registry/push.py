"""A push to the registry: what it will put, in order, and the putting."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from handler.bundle import signature
from handler.bundle.contract import MANIFEST
from handler.bundle.signature import SIGNATURE
from infra.aws.clients import caller
from infra.aws.s3 import Bucket
from infra.errors import RefusedError
from infra.registry import bundle_folder, history
from infra.registry.history import History
from infra.signing.signer import Sign

Progress = Callable[[str, int], None]  # a file's name and bytes, when it is done


@dataclass(frozen=True)
class Put:
    """One file of a push."""

    file: str
    key: str
    size_bytes: int
    sha256: str
    stored: bool  # the same bytes are there already
    over: str | None = None  # a signature that takes another's place: the ETag of the other


@dataclass(frozen=True)
class PushPlan:
    """What a push will do, in order. The manifest comes last."""

    folder: Path
    name: str
    version: str
    signature: bytes
    steps: tuple[Put, ...]

    @property
    def missing(self) -> tuple[Put, ...]:
        """The steps that have something to write."""
        return tuple(step for step in self.steps if not step.stored)


def nothing(file: str, size_bytes: int) -> None:
    """The progress that nobody watches."""


def plan(bucket: Bucket, prefix: str, folder: Path, sign: Sign, *, sign_anew: bool) -> PushPlan:
    """See `infra.registry.registry.Registry.plan_push`. Keys start with `prefix`."""
    manifest, text = bundle_folder.read(folder)
    signed = sign(folder, manifest, text)
    at = f"{prefix}{manifest.name}/{manifest.version}/"
    there = {item.key for item in bucket.stored(at)}
    hashes = {file: manifest.files[file] for file in bundle_folder.in_order(manifest)} | {MANIFEST: _sha256(text)}
    sizes = {file: (folder / file).stat().st_size for file in hashes}
    steps = [Put(file, at + file, sizes[file], hashes[file], at + file in there) for file in hashes]
    for step in steps:
        if step.stored:
            _demand(bucket, step)
    # Only now, when what the registry has is known to be this bundle's: the signature is over the manifest.
    steps.insert(-1, _plan_signature(bucket, at + SIGNATURE, signed, there, sign_anew))
    return PushPlan(folder, manifest.name, manifest.version, signed, tuple(steps))


def carry_out(bucket: Bucket, plan: PushPlan, done: Progress) -> int:
    """See `infra.registry.registry.Registry.push`."""
    written = 0
    for step in plan.steps:
        if not step.stored:
            own = step.file == SIGNATURE
            body = plan.signature if own else bundle_folder.bytes_of(plan.folder / step.file, step.sha256)
            if bucket.replace(step.key, body, step.over) if step.over else bucket.put_new(step.key, body):
                written += 1
            else:  # not by us, or the answer was lost
                _demand(bucket, step)
        done(step.file, step.size_bytes)
    return written


def note(events: History, plan: PushPlan) -> None:
    """The push in the history, once; also where an earlier one was cut off just before it noted it."""
    replaced = any(step.over for step in plan.steps)
    pushed = events.has(history.PUSHED, plan.version)
    if pushed and not replaced:
        return
    by, details = caller(), {"key": signature.key_of(plan.signature)}
    if replaced:
        events.append(history.SIGNED, plan.version, by, details)
    if not pushed:
        events.append(history.PUSHED, plan.version, by, details)


def _plan_signature(bucket: Bucket, key: str, signed: bytes, there: set[str], sign_anew: bool) -> Put:
    held = bucket.read(key) if key in there else None
    stored = held is not None and held.body == signed
    if held is not None and not stored and not sign_anew:
        raise RefusedError(
            f"s3://{bucket.name}/{key} is another signature than this key's. Push with the key that signed it, "
            "or put this key's signature in its place with --sign-anew."
        )
    over = None if held is None or stored else held.etag
    return Put(SIGNATURE, key, len(signed), _sha256(signed), stored, over)


def _demand(bucket: Bucket, step: Put) -> None:
    """Refuse unless the object of a step has the bytes that the step would put."""
    found = bucket.copy(step.key, io.BytesIO())
    if found == step.sha256:
        return
    raise RefusedError(
        f"s3://{bucket.name}/{step.key} has sha256 {found or 'none, it is gone'}, the bundle here {step.sha256}. "
        "A version is immutable and nothing of it was overwritten. If "
        "`python -m infra list` shows it, use it: its model and serving section should be the same, and "
        "`python -m infra verify` tells. If not, an upload broke off: delete "
        f"s3://{bucket.name}/{step.key.removesuffix(step.file)} and push again."
    )


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
