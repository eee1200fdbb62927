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

import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from handler.bundle import contract, signature
from handler.bundle.contract import MANIFEST, Manifest
from handler.bundle.signature import SIGNATURE, Trust
from handler.errors import BundleError
from infra.aws.clients import caller
from infra.aws.s3 import Bucket
from infra.errors import ConfigError, RefusedError, refusing
from infra.registry import bundle_folder, history, push
from infra.registry.history import History
from infra.registry.push import Progress, PushPlan, nothing
from infra.registry.references import NAME, VERSION, Reference
from infra.registry.tags import Holder, Tags
from infra.signing.signer import Sign


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
    manifest: Manifest
    text: bytes  # the manifest's own bytes
    signature: bytes | None


class Registry:
    """The bundles under one prefix of one bucket."""

    def __init__(self, bucket: Bucket, prefix: str = "") -> None:
        """No request is sent yet."""
        self.bucket = bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""

    def where(self, name: str = "", version: str = "") -> str:
        """The address of the registry, a bundle or a version, for people."""
        parts = [part for part in (name, version) if part]
        return f"s3://{self.bucket.name}/{self._prefix}{'/'.join(parts)}"

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
            parts = item.key.removeprefix(self._prefix).split("/")
            if len(parts) != 3 or not NAME.fullmatch(parts[0]) or not VERSION.fullmatch(parts[1]):
                continue  # a tag, an event, or not the registry's
            identity = parts[0], parts[1]
            sizes[identity] = sizes.get(identity, 0) + item.size_bytes
            if parts[2] == MANIFEST:
                pushed[identity] = item.modified
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
            raise ConfigError(f"{self.where()} has no {what}. `python -m infra list` shows what is there.")
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
        return push.plan(self.bucket, self._prefix, folder, sign, sign_anew=sign_anew)

    def push(self, plan: PushPlan, done: Progress = nothing) -> int:
        """Carry the plan out; returns the number of files written. Another pusher may be at it at the same time.

        Raises:
            RefusedError: a file changed since the plan, or another pusher put other bytes under the same version.
        """
        written = push.carry_out(self.bucket, plan, done)
        push.note(self.history(plan.name), plan)
        return written

    def pull(self, wanted: Reference, out: Path, trust: Trust, done: Progress = nothing) -> Path:
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
                    bundle_folder.move(folder, target)
            self._demand_pulled(target, entry, trust)
        except OSError as error:
            raise ConfigError(
                f"{error.filename or out} cannot be written to ({error.strerror}). Name another folder with --out."
            ) from None
        return target

    def verify(self, wanted: Reference, trust: Trust, done: Progress = nothing) -> Entry:
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
        text = self.bucket.read(at + MANIFEST)
        if text is None:
            raise RefusedError(f"{where} lost its {MANIFEST} just now. Push the bundle again from where it was sealed.")
        held = self.bucket.read(at + SIGNATURE)
        manifest = bundle_folder.parsed(text.body, f"{where}/{MANIFEST}")
        if (manifest.name, manifest.version) != (entry.name, entry.version):
            raise RefusedError(
                f"{where} holds the manifest of {manifest.name}/{manifest.version}: its keys were tampered with. "
                "Push the bundle again from where it was sealed, to another prefix."
            )
        return Sealed(entry, manifest, text.body, held.body if held else None)

    def _fetch(self, entry: Entry, folder: Path, trust: Trust, done: Progress) -> None:
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
        (folder / SIGNATURE).write_bytes(found.signature or b"")
        (folder / MANIFEST).write_bytes(found.text)
        bundle_folder.read(folder)

    def _at(self, name: str, version: str) -> str:
        return f"{self._prefix}{name}/{version}/"

    def _demand_pulled(self, target: Path, entry: Entry, trust: Trust) -> None:
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
            held = self.bucket.read(self._at(entry.name, entry.version) + SIGNATURE)
            _trusted((target / MANIFEST).read_bytes(), held.body if held else None, trust, target)
            (target / SIGNATURE).write_bytes(held.body if held else b"")


def _trusted(manifest: bytes, signed: bytes | None, trust: Trust, where: object) -> None:
    if signed is None:
        raise RefusedError(f"{where} is not signed. Push the bundle again, with a key, from where it was sealed.")
    with refusing():
        signature.verify(manifest, signed, trust, where)
