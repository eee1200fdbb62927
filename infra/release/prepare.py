"""From what the command line names to a bundle that can be released, and to what has to be named first.

The bundle is brought to a temporary folder of this machine, checked and signed: it comes out of the registry, or it is
a folder here that the release will push first, and then it is signed here.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from handler.bundle import contract, golden, signature, versions
from handler.bundle.golden import Golden
from handler.errors import BundleError
from infra.errors import ConfigError, refusing
from infra.image import build
from infra.registry import bundle_folder, references
from infra.release.journal import Journal
from infra.release.plan import Bundle
from infra.signing import signer

BUNDLES = Path("bundles")
_NOBODY = Bundle("NAME", "VERSION", "NAME-VERSION-CODE", 0, "s3://BUCKET/NAME/VERSION")


@dataclass(frozen=True)
class Source:
    """The bundle on this machine, checked, and the folder that its image is built from."""

    folder: Path
    context: Path
    manifest: contract.Manifest
    golden: tuple[Golden, ...]


@dataclass(frozen=True)
class Prepared:
    """The bundle, as far as it is known, and what is needed to know the rest."""

    bundle: Bundle
    source: Source | None
    needed: tuple[str, ...] = ()


def prepare(
    wanted: str,
    journal: Journal | None,
    workplace: Path,
    trust_file: Path | None = None,
    pem: Path | None = None,
    kms: str | None = None,
) -> Prepared:
    """Find, check and lay out the bundle. `wanted`: a folder, NAME, NAME/VERSION, NAME@TAG, or nothing.

    `trust_file` says whose signature counts; `pem` or `kms` signs a folder that is pushed first.

    Raises:
        ConfigError: there is none of that name.
        RefusedError: it is not as it was sealed, or not signed by whom to trust.
    """
    folder = _folder(wanted)
    if folder is not None:
        return _of_folder(folder, journal, workplace, trust_file, pem, kms)
    if not wanted:
        return Prepared(_NOBODY, None, (f"No bundle named, and not one in {BUNDLES}/. Name a folder or NAME/VERSION.",))
    reference = references.reference(wanted)
    if journal is None:
        raise ConfigError(f"No folder {wanted} here, and no registry named. Use --bucket or set LIMBECK_REGISTRY.")
    entry = journal.registry.resolve(reference)
    return _pulled(journal, references.Reference(entry.name, entry.version), trust_file, workplace)


def _of_folder(
    folder: Path, journal: Journal | None, workplace: Path, trust_file: Path | None, pem: Path | None, kms: str | None
) -> Prepared:
    manifest, _ = bundle_folder.read(folder)
    name, version = manifest.name, manifest.version
    if journal is not None and journal.registry.bucket.exists() and journal.holds(name, version):
        return _pulled(journal, references.Reference(name, version), trust_file, workplace)
    trust = signer.trust_for(name, trust_file)
    key = signer.find_signer(pem, kms)
    if key is not None:
        trust = trust or signature.Trust(name, (key.public,))
        return _laid(_signed(folder, key, trust, workplace), trust, workplace, journal)
    with refusing():
        bundle = Bundle(
            name, version, f"{name}-{version}-CODE", len(golden.read(folder)), _where(journal, name, version)
        )
    needed = (
        f"{folder} is not in the registry, and there is no key to sign it with. Use --kms KEY, --pem FILE, or set "
        f"{signer.KEY_VARIABLE}. `limbeck key new DIR` makes one."
    )
    return Prepared(bundle, None, (needed,))


def _pulled(journal: Journal, wanted: references.Reference, trust_file: Path | None, workplace: Path) -> Prepared:
    """The registry's own copy."""
    trust = signer.needed_trust(wanted.name, trust_file)
    return _laid(journal.registry.pull(wanted, workplace / "pulled", trust), trust, workplace, journal)


def _signed(folder: Path, key: signer.Signer, trust: signature.Trust, workplace: Path) -> Path:
    """A signed copy of a folder. A signature that the folder has, and that is trusted, is kept."""
    manifest, text = bundle_folder.read(folder)
    copy = workplace / "signed" / manifest.version
    copy.mkdir(parents=True)
    for name in (*manifest.files, contract.MANIFEST):
        shutil.copyfile(folder / name, copy / name)
    try:
        signature.check(folder, trust)
        shutil.copyfile(folder / contract.SIGNATURE, copy / contract.SIGNATURE)
    except BundleError:
        signer.sign_folder(copy, text, key)
    return copy


def _laid(folder: Path, trust: signature.Trust, workplace: Path, journal: Journal | None) -> Prepared:
    """A checked and signed folder with all that its image is made of."""
    context = workplace / "context"
    context.mkdir()
    with refusing():
        manifest = build.lay(folder, trust, context)
        inputs, tag = golden.read(folder), build.tag_of(manifest, context)
    where = _where(journal, manifest.name, manifest.version)
    bundle = Bundle(manifest.name, manifest.version, tag, len(inputs), where)
    return Prepared(bundle, Source(folder, context, manifest, inputs))


def _where(journal: Journal | None, name: str, version: str) -> str:
    return journal.registry.where(name, version) if journal else f"s3://BUCKET/{name}/{version}"


def _folder(wanted: str) -> Path | None:
    """The folder of the sealed bundle that is meant, where one is."""
    if wanted and not Path(wanted).is_dir():
        return None
    names = {Path(wanted)} if wanted else {path.parent.parent for path in BUNDLES.glob(f"*/*/{contract.MANIFEST}")}
    if len(names) != 1:
        return None
    with refusing():
        return versions.newest(names.pop())
