"""Sealed bundles in S3 under immutable keys: `<prefix>/<name>/<version>/<file>`.

What holds:

- A key is written once, by a conditional put. The same bytes again are a no-op, other bytes are refused.
- `manifest.json` is written last, so a version is there whole or not at all: a torn upload is never listed or pulled,
  and pushing again finishes it.
- Files go up one after the other in one fixed order. So two pushers of different contents meet at the first file that
  differs: one of them passes, the other stops there, and never do both stop half way.
- Bytes are hashed before they leave, by S3 as they arrive (`ChecksumSHA256`), and again by whoever pulls them.
"""

from __future__ import annotations

import hashlib
import io
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from handler import contract
from handler.contract import MANIFEST, Manifest
from handler.errors import BundleError
from infra.bucket import Bucket
from infra.errors import ConfigError, RefusedError

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_VERSION = re.compile(rf"[0-9a-f]{{{contract.VERSION_DIGITS}}}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")

Progress = Callable[[str, int], None]  # a file's name and bytes, when it is done


@dataclass(frozen=True)
class Reference:
    """What a person asks for: a name, and a version or the newest."""

    name: str
    version: str | None = None


@dataclass(frozen=True)
class Entry:
    """One version in the registry."""

    name: str
    version: str
    pushed_at: datetime  # when its manifest was written, UTC
    size_bytes: int  # of all its files


@dataclass(frozen=True)
class Put:
    """One file of a push."""

    file: str
    key: str
    size_bytes: int
    sha256: str
    stored: bool  # the same bytes are there already


@dataclass(frozen=True)
class PushPlan:
    """What a push will do, in order. The manifest comes last."""

    folder: Path
    name: str
    version: str
    steps: tuple[Put, ...]

    @property
    def missing(self) -> tuple[Put, ...]:
        """The steps that have something to write."""
        return tuple(step for step in self.steps if not step.stored)


def reference(text: str) -> Reference:
    """Read `NAME` or `NAME/VERSION`.

    Raises:
        ConfigError: it is neither.
    """
    name, slash, version = text.partition("/")
    if not _NAME.fullmatch(name) or (slash and not _VERSION.fullmatch(version)):
        raise ConfigError(
            f"{text!r} is no NAME or NAME/VERSION: a name has lower-case letters, digits, '.', '_' and '-', "
            f"a version {contract.VERSION_DIGITS} hex digits. `python -m infra list` shows what is there."
        )
    return Reference(name, version or None)


class Registry:
    """The bundles under one prefix of one bucket."""

    def __init__(self, bucket: Bucket, prefix: str = "") -> None:
        """Nothing is asked of S3 yet."""
        self._bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""

    def where(self, name: str = "", version: str = "") -> str:
        """The address of the registry, a bundle or a version, for people."""
        parts = [part for part in (name, version) if part]
        return f"s3://{self._bucket.name}/{self._prefix}{'/'.join(parts)}"

    def entries(self, name: str | None = None) -> list[Entry]:
        """Every whole version, by name and then by age, the oldest first."""
        sizes: dict[tuple[str, str], int] = {}
        pushed: dict[tuple[str, str], datetime] = {}
        for item in self._bucket.stored(f"{self._prefix}{name}/" if name else self._prefix):
            parts = item.key.removeprefix(self._prefix).split("/")
            if len(parts) != 3 or not _NAME.fullmatch(parts[0]) or not _VERSION.fullmatch(parts[1]):
                continue  # not the registry's
            identity = parts[0], parts[1]
            sizes[identity] = sizes.get(identity, 0) + item.size_bytes
            if parts[2] == MANIFEST:
                pushed[identity] = item.modified
        made = [Entry(*identity, moment, sizes[identity]) for identity, moment in pushed.items()]
        return sorted(made, key=lambda entry: (entry.name, entry.pushed_at, entry.version))

    def resolve(self, wanted: Reference) -> Entry:
        """The version asked for or, where none is named, the one pushed last.

        Raises:
            ConfigError: there is none, or the last two were pushed within the same second.
        """
        entries = self.entries(wanted.name)
        if wanted.version:
            entries = [entry for entry in entries if entry.version == wanted.version]
        if not entries:
            what = f"version {wanted.version} of {wanted.name}" if wanted.version else f"bundle {wanted.name}"
            raise ConfigError(f"{self.where()} has no {what}. `python -m infra list` shows what is there.")
        newest = entries[-1]
        ties = [entry.version for entry in entries if entry.pushed_at == newest.pushed_at]
        if len(ties) > 1:
            raise ConfigError(
                f"{self.where(wanted.name)} has versions pushed in the same second ({', '.join(ties)}). "
                f"Name the one you want: {wanted.name}/VERSION."
            )
        return newest

    def plan_push(self, folder: Path) -> PushPlan:
        """Check the bundle in `folder` whole and see what the registry already has of it. Writes nothing.

        Raises:
            RefusedError: it is not sealed or was changed, or the registry has other bytes under its version.
        """
        manifest, text = _read(folder)
        at = f"{self._prefix}{manifest.name}/{manifest.version}/"
        there = {item.key for item in self._bucket.stored(at)}
        hashes = manifest.files | {MANIFEST: hashlib.sha256(text).hexdigest()}
        steps = []
        for file in _in_order(manifest):
            key = at + file
            if key in there:
                self._demand(key, hashes[file], manifest)
            steps.append(Put(file, key, (folder / file).stat().st_size, hashes[file], key in there))
        return PushPlan(folder, manifest.name, manifest.version, tuple(steps))

    def push(self, plan: PushPlan, done: Progress = lambda file, size_bytes: None) -> int:
        """Carry the plan out; returns the number of files written. Another pusher may be at it at the same time.

        Raises:
            RefusedError: a file changed since the plan, or another pusher put other bytes under the same version.
        """
        written = 0
        for step in plan.steps:
            if not step.stored:
                body = _bytes_of(plan.folder / step.file, step.sha256)
                if self._bucket.put_new(step.key, body):
                    written += 1
                else:
                    self._demand(step.key, step.sha256, plan)
            done(step.file, step.size_bytes)
        return written

    def pull(self, wanted: Reference, out: Path, done: Progress = lambda file, size_bytes: None) -> Path:
        """Bring a version to `out/<name>/<version>`, whole and checked, or leave nothing there. Returns that folder.

        Raises:
            RefusedError: what the registry or the folder holds is not as it was sealed.
            ConfigError: there is no such version, or `out` cannot be written to.
        """
        entry = self.resolve(wanted)
        target = out / entry.name / entry.version
        try:
            if not target.exists():
                out.mkdir(parents=True, exist_ok=True)
                with tempfile.TemporaryDirectory(prefix=".pull-", dir=out) as workplace:
                    folder = Path(workplace) / entry.version  # below it, so that the bundle gets everyday permissions
                    folder.mkdir()
                    self._fetch(entry, folder, done)
                    target.parent.mkdir(exist_ok=True)
                    _move(folder, target)
        except OSError as error:
            raise ConfigError(
                f"{error.filename or out} cannot be written to ({error.strerror}). Name another folder with --out."
            ) from None
        self._demand_pulled(target, entry)
        return target

    def verify(self, wanted: Reference, done: Progress = lambda file, size_bytes: None) -> Entry:
        """Read every byte of a version and check it against its manifest. Keeps nothing.

        Raises:
            RefusedError: it is not as it was sealed.
        """
        entry = self.resolve(wanted)
        with tempfile.TemporaryDirectory(prefix="limbeck-verify-") as folder:
            self._fetch(entry, Path(folder), done)
        return entry

    def _fetch(self, entry: Entry, folder: Path, done: Progress) -> None:
        """Bring a version's files into an empty folder and check them as the handler would."""
        where, at = self.where(entry.name, entry.version), f"{self._prefix}{entry.name}/{entry.version}/"
        text = io.BytesIO()
        if self._bucket.copy(at + MANIFEST, text) is None:
            raise RefusedError(f"{where} lost its {MANIFEST} just now. Push the bundle again from where it was sealed.")
        manifest = _parsed(text.getvalue(), f"{where}/{MANIFEST}")
        if (manifest.name, manifest.version) != (entry.name, entry.version):
            raise RefusedError(
                f"{where} holds the manifest of {manifest.name}/{manifest.version}: its keys were tampered with. "
                "Push the bundle again from where it was sealed, to another prefix."
            )
        for file in _in_order(manifest)[:-1]:
            with (folder / file).open("wb") as sink:
                found = self._bucket.copy(at + file, sink)
            if found != manifest.files[file]:
                raise RefusedError(
                    f"{where}/{file} has sha256 {found or 'none, it is missing'}, its manifest wants "
                    f"{manifest.files[file]}: the registry's copy was changed after the push. "
                    "Push the bundle again from where it was sealed, to another prefix."
                )
            done(file, (folder / file).stat().st_size)
        (folder / MANIFEST).write_bytes(text.getvalue())
        _read(folder)

    def _demand(self, key: str, wanted: str, bundle: Manifest | PushPlan) -> None:
        """Refuse unless the object under `key` has these bytes."""
        found = self._bucket.copy(key, io.BytesIO())
        if found != wanted:
            raise RefusedError(
                f"s3://{self._bucket.name}/{key} has sha256 {found or 'none, it is gone'}, the bundle here {wanted}. "
                f"Version {bundle.version} of {bundle.name} is immutable and nothing of it was overwritten. If "
                "`python -m infra list` shows it, use it: its model and serving section should be the same, and "
                "`python -m infra verify` tells. If not, an upload broke off: delete "
                f"{self.where(bundle.name, bundle.version)}/ and push again."
            )

    def _demand_pulled(self, target: Path, entry: Entry) -> None:
        try:
            manifest = contract.read(target)
        except BundleError as error:
            raise RefusedError(f"{error} Delete {target} and pull again.") from None
        if (manifest.name, manifest.version) != (entry.name, entry.version):
            raise RefusedError(
                f"{target} holds {manifest.name}/{manifest.version}, wanted {entry.name}/{entry.version}. "
                "Delete it and pull again."
            )


def _in_order(manifest: Manifest) -> Sequence[str]:
    """The bundle's files in the one order of every push, the manifest last.

    Raises:
        RefusedError: a name that could leave the bundle's folder, or is the manifest's own.
    """
    for file in manifest.files:
        if not _FILE.fullmatch(file) or file == MANIFEST:
            raise RefusedError(f"The manifest of {manifest.name} lists the file {file!r}, wanted a plain name.")
    return [*sorted(manifest.files), MANIFEST]


def _read(folder: Path) -> tuple[Manifest, bytes]:
    """A sealed bundle's manifest, checked, with the very bytes it was read from."""
    try:
        manifest = contract.read(folder)
        text = (folder / MANIFEST).read_bytes()
    except BundleError as error:
        raise RefusedError(str(error)) from None
    except OSError as error:
        raise RefusedError(
            f"{folder / MANIFEST} cannot be read ({error.strerror}). Run the same command again."
        ) from None
    if _parsed(text, str(folder / MANIFEST)) != manifest:
        raise RefusedError(f"{folder / MANIFEST} is being changed by someone else. Run the same command again.")
    return manifest, text


def _parsed(text: bytes, where: str) -> Manifest:
    try:
        return contract.parse(text.decode(), where=where)
    except UnicodeDecodeError:
        raise RefusedError(f"{where} is not UTF-8. Push the bundle again from where it was sealed.") from None
    except BundleError as error:
        raise RefusedError(str(error)) from None


def _bytes_of(path: Path, wanted: str) -> bytes:
    try:
        body = path.read_bytes()
    except OSError as error:
        raise RefusedError(f"{path} cannot be read ({error.strerror}). Run the same command again.") from None
    if hashlib.sha256(body).hexdigest() != wanted:
        raise RefusedError(f"{path} changed while it was being pushed. Build or fetch the bundle again.")
    return body


def _move(folder: Path, target: Path) -> None:
    """Give the finished folder its name. Where another pull was faster, its folder stays: the caller checks it."""
    try:
        folder.rename(target)
    except OSError:
        if not target.exists():
            raise
