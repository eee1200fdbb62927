"""Sealed and signed bundles in S3 under immutable keys: `<prefix>/<name>/<version>/<file>`.

What holds:

- A key is written once, by a conditional put. The same bytes again are a no-op, other bytes are rejected.
- `manifest.json` is written last, and its signature `manifest.sig` just before. So a version is there whole and signed
  or not at all: a torn upload is never listed or pulled, and pushing again finishes it.
- Files go up one after the other in one fixed order. So two pushers of different contents meet at the first file that
  differs: one of them passes, the other stops there, and never do both stop half way.
- Bytes are hashed before they leave, by S3 as they arrive (`ChecksumSHA256`), and again by whoever pulls them, who
  checks the signature before anything else.
- Only a signature may be replaced, by another over the same manifest, on request: a key can leak.

Beside the versions stand `tags/` and `history/`, see `infra.registry.tags` and `infra.registry.history`.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from handler.bundle import contract, signature
from handler.errors import BundleError
from infra.aws.clients import caller
from infra.aws.s3 import Bucket
from infra.errors import ConfigError, RefusedError, refusing
from infra.registry import bundle_folder, history
from infra.registry.history import History
from infra.registry.references import NAME, VERSION, Reference
from infra.registry.tags import Holder, Tags
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


@dataclass(frozen=True)
class Entry:
    """One version in the registry."""

    name: str
    version: str
    pushed_at: datetime  # when its manifest was written, UTC
    size_bytes: int  # of all its files


@dataclass(frozen=True)
class Sealed:
    """A version's manifest and signature as the registry holds them; the signature is not checked yet."""

    entry: Entry
    manifest: contract.Manifest
    text: bytes  # the manifest's own bytes
    signature: bytes | None


def nothing(file: str, size_bytes: int) -> None:
    """The progress that nobody watches."""


class Registry:
    """The bundles under one prefix of one bucket."""

    def __init__(self, bucket: Bucket, prefix: str = "") -> None:
        """No request is sent yet."""
        self.bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""

    def where(self, name: str = "", version: str = "") -> str:
        """The address of the registry, a bundle or a version, for people."""
        return f"s3://{self.bucket.name}/{self._prefix}{'/'.join(filter(None, (name, version)))}"

    def tags(self, name: str) -> Tags:
        """The tags of a bundle's versions."""
        return Tags(self.bucket, f"{self._prefix}{name}/tags/")

    def history(self, name: str) -> History:
        """What happened to a bundle's versions."""
        return History(self.bucket, f"{self._prefix}{name}/history/")

    def entries(self, name: str | None = None) -> list[Entry]:
        """Every whole version, by name and then by age, the oldest first."""
        sizes: dict[tuple[str, str], int] = {}
        pushed: dict[tuple[str, str], datetime] = {}
        for item in self.bucket.stored(f"{self._prefix}{name}/" if name else self._prefix):
            parts = item["Key"].removeprefix(self._prefix).split("/")
            if len(parts) != 3 or not NAME.fullmatch(parts[0]) or not VERSION.fullmatch(parts[1]):
                continue  # a tag, an event, or not the registry's
            identity = parts[0], parts[1]
            sizes[identity] = sizes.get(identity, 0) + item["Size"]
            if parts[2] == contract.MANIFEST:
                pushed[identity] = item["LastModified"]
        made = [Entry(*identity, moment, sizes[identity]) for identity, moment in pushed.items()]
        return sorted(made, key=lambda entry: (entry.name, entry.pushed_at, entry.version))

    def resolve(self, wanted: Reference) -> Entry:
        """The version that is named or, where neither version nor tag is named, the one pushed last.

        Raises:
            ConfigError: there is none, or the last two were pushed within the same second.
        """
        version = wanted.version
        if wanted.tag:
            version = self.tags(wanted.name).version(wanted.tag)
            if version is None:
                raise ConfigError(f"No version of {wanted.name} in {self.where()} is tagged {wanted.tag}.")
        entries = [entry for entry in self.entries(wanted.name) if version in (None, entry.version)]
        if not entries:
            what = f"version {version} of {wanted.name}" if version else f"bundle {wanted.name}"
            raise ConfigError(f"{self.where()} has no {what}. `limbeck list` shows what is there.")
        newest = entries[-1]
        ties = [entry.version for entry in entries if entry.pushed_at == newest.pushed_at]
        if len(ties) > 1:
            raise ConfigError(
                f"{self.where(wanted.name)} has versions pushed in the same second ({', '.join(ties)}). "
                f"Name the one you want: {wanted.name}/VERSION."
            )
        return newest

    def tag(self, wanted: Reference, tag: str) -> Holder:
        """Give a version a tag, and note it in the history.

        Raises:
            ConfigError: there is no such version or tag.
        """
        entry, by = self.resolve(wanted), caller()
        holder = self.tags(entry.name).give(tag, entry.version, by)
        self.history(entry.name).append(history.TAGGED, entry.version, by, {"tag": tag})
        return holder

    def plan_push(self, folder: Path, sign: Sign, *, sign_anew: bool = False) -> PushPlan:
        """Check the bundle in `folder` whole, sign it, and see what the registry already has of it. Writes nothing.

        `sign_anew`: replace the signature where the registry has another one.

        Raises:
            RefusedError: it is not sealed or was changed, or the registry has other bytes under its version.
        """
        manifest, text = bundle_folder.read(folder)
        signed = sign(folder, manifest, text)
        at = self._at(manifest.name, manifest.version)
        there = {item["Key"] for item in self.bucket.stored(at)}
        hashes = {file: manifest.files[file] for file in bundle_folder.in_order(manifest)} | {
            contract.MANIFEST: _sha256(text)
        }
        steps = [
            Put(file, at + file, (folder / file).stat().st_size, wanted, at + file in there)
            for file, wanted in hashes.items()
        ]
        for step in steps:
            if step.stored:
                _demand(self.bucket, step)
        # Only now, when what the registry has is known to be this bundle's: the signature is over the manifest.
        steps.insert(-1, _plan_signature(self.bucket, at + contract.SIGNATURE, signed, there, sign_anew))
        return PushPlan(folder, manifest.name, manifest.version, signed, tuple(steps))

    def push(self, plan: PushPlan, done: Progress = nothing) -> int:
        """Carry the plan out; returns the number of files written. Another pusher may be at it at the same time.

        Raises:
            RefusedError: a file changed since the plan, or another pusher put other bytes under the same version.
        """
        written = 0
        for step in plan.steps:
            if not step.stored:
                own = step.file == contract.SIGNATURE
                body = plan.signature if own else bundle_folder.bytes_of(plan.folder / step.file, step.sha256)
                if self.bucket.replace(step.key, body, step.over) if step.over else self.bucket.put_new(step.key, body):
                    written += 1
                else:  # not by us, or the answer was lost
                    _demand(self.bucket, step)
            done(step.file, step.size_bytes)
        self._note(plan)
        return written

    def _note(self, plan: PushPlan) -> None:
        """The push in the history, once; also where an earlier one was cut off just before it noted it."""
        events = self.history(plan.name)
        kinds = [history.SIGNED] if any(step.over for step in plan.steps) else []
        kinds += [] if events.has(history.PUSHED, plan.version) else [history.PUSHED]
        by = caller() if kinds else ""
        for kind in kinds:
            events.append(kind, plan.version, by, {"key": signature.key_of(plan.signature)})

    def pull(self, wanted: Reference, out: Path, trust: signature.Trust, done: Progress = nothing) -> Path:
        """Bring a version to `out/<name>/<version>`, whole and checked, or leave nothing there. Returns that folder.

        A bundle that is there already and is not signed, or no longer by a trusted key, gets the registry's signature.

        Raises:
            RefusedError: what the registry or the folder holds is not as it was sealed, or not signed by whom to trust.
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
                    self._fetch(entry, folder, trust, done)
                    target.parent.mkdir(exist_ok=True)
                    try:
                        folder.rename(target)
                    except OSError:  # where somebody else was faster, theirs stays: it is checked below
                        if not target.exists():
                            raise
            self._demand_pulled(target, entry, trust)
        except OSError as error:
            raise ConfigError(
                f"{error.filename or out} cannot be written to ({error.strerror}). Name another folder with --out."
            ) from None
        return target

    def verify(self, wanted: Reference, trust: signature.Trust, done: Progress = nothing) -> Entry:
        """Read every byte of a version and check it against its manifest, and that against its signature.

        Raises:
            RefusedError: it is not as it was sealed, or not signed by whom to trust.
        """
        entry = self.resolve(wanted)
        with tempfile.TemporaryDirectory(prefix="limbeck-verify-") as folder:
            self._fetch(entry, Path(folder), trust, done)
        return entry

    def sealed(self, wanted: Reference) -> Sealed:
        """A version's manifest and signature, without its files. Its signature is not checked.

        Raises:
            RefusedError: there is no manifest any more, or it is none, or another's.
        """
        entry = self.resolve(wanted)
        where, at = self.where(entry.name, entry.version), self._at(entry.name, entry.version)
        text = self.bucket.read(at + contract.MANIFEST)
        if text is None:
            raise RefusedError(
                f"{where} lost its {contract.MANIFEST} just now. Push the bundle again from where it was sealed."
            )
        held = self.bucket.read(at + contract.SIGNATURE)
        manifest = bundle_folder.parsed(text.body, f"{where}/{contract.MANIFEST}")
        if (manifest.name, manifest.version) != (entry.name, entry.version):
            raise RefusedError(
                f"{where} holds the manifest of {manifest.name}/{manifest.version}: its keys were tampered with. "
                "Push the bundle again from where it was sealed, to another prefix."
            )
        return Sealed(entry, manifest, text.body, held.body if held else None)

    def _fetch(self, entry: Entry, folder: Path, trust: signature.Trust, done: Progress) -> None:
        """Bring a version's files into an empty folder and check them as the handler would."""
        where, at = self.where(entry.name, entry.version), self._at(entry.name, entry.version)
        found = self.sealed(Reference(entry.name, entry.version))
        _trusted(found.text, found.signature, trust, where)
        for file in bundle_folder.in_order(found.manifest):
            with (folder / file).open("wb") as sink:
                digest = self.bucket.copy(at + file, sink)
            if digest != found.manifest.files[file]:
                raise RefusedError(
                    f"{where}/{file} has sha256 {digest or 'none, it is missing'}, its manifest wants "
                    f"{found.manifest.files[file]}: the registry's copy was changed after the push. "
                    "Push the bundle again from where it was sealed, to another prefix."
                )
            done(file, (folder / file).stat().st_size)
        (folder / contract.SIGNATURE).write_bytes(found.signature or b"")
        (folder / contract.MANIFEST).write_bytes(found.text)
        bundle_folder.read(folder)

    def _at(self, name: str, version: str) -> str:
        return f"{self._prefix}{name}/{version}/"

    def _demand_pulled(self, target: Path, entry: Entry, trust: signature.Trust) -> None:
        """Refuse a folder that is not this version as it was sealed and signed."""
        with refusing(f"Delete {target} and pull again."):
            manifest = contract.read(target)
        if (manifest.name, manifest.version) != (entry.name, entry.version):
            raise RefusedError(
                f"{target} holds {manifest.name}/{manifest.version}, wanted {entry.name}/{entry.version}. "
                "Delete it and pull again."
            )
        try:
            signature.check(target, trust)
        except BundleError:
            held = self.bucket.read(self._at(entry.name, entry.version) + contract.SIGNATURE)
            _trusted((target / contract.MANIFEST).read_bytes(), held.body if held else None, trust, target)
            (target / contract.SIGNATURE).write_bytes(held.body if held else b"")


def _trusted(manifest: bytes, signed: bytes | None, trust: signature.Trust, where: object) -> None:
    if signed is None:
        raise RefusedError(f"{where} is not signed. Push the bundle again, with a key, from where it was sealed.")
    with refusing():
        signature.verify(manifest, signed, trust, where)


def _plan_signature(bucket: Bucket, key: str, signed: bytes, there: set[str], sign_anew: bool) -> Put:
    held = bucket.read(key) if key in there else None
    stored = held is not None and held.body == signed
    if held is not None and not stored and not sign_anew:
        raise RefusedError(
            f"s3://{bucket.name}/{key} is another signature than this key's. Push with the key that signed it, "
            "or put this key's signature in its place with --sign-anew."
        )
    over = None if held is None or stored else held.etag
    return Put(contract.SIGNATURE, key, len(signed), _sha256(signed), stored, over)


def _demand(bucket: Bucket, step: Put) -> None:
    """Refuse unless the object of a step has the bytes that the step would put."""
    found = bucket.copy(step.key, io.BytesIO())
    if found == step.sha256:
        return
    raise RefusedError(
        f"s3://{bucket.name}/{step.key} has sha256 {found or 'none, it is gone'}, the bundle here {step.sha256}. "
        "A version is immutable and nothing of it was overwritten. If "
        "`limbeck list` shows it, use it: its model and serving section should be the same, and "
        "`limbeck verify` tells. If not, an upload broke off: delete "
        f"s3://{bucket.name}/{step.key.removesuffix(step.file)} and push again."
    )


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
