"""From what the command line names to a bundle that can be released, and to what has to be named first."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from handler.bundle import contract, golden
from handler.bundle.signature import Trust
from infra.errors import ConfigError, refusing
from infra.image import staging
from infra.registry import bundle_folder, references
from infra.registry.references import Reference
from infra.registry.registry import Registry
from infra.release import source
from infra.release.journal import Journal
from infra.release.plan import Bundle
from infra.release.source import Source
from infra.signing import signer

BUNDLES = Path("bundles")
_NOBODY = Bundle("NAME", "VERSION", "NAME-VERSION-CODE", 0, "s3://BUCKET/NAME/VERSION")


@dataclass(frozen=True)
class Keys:
    """Whose signature counts, and what signs a folder that is pushed first."""

    trust_file: Path | None = None
    pem: Path | None = None
    kms: str | None = None


@dataclass(frozen=True)
class Prepared:
    """The bundle, as far as it is known, and what is needed to know the rest."""

    bundle: Bundle
    source: Source | None
    needed: tuple[str, ...] = ()


def prepare(wanted: str, registry: Registry | None, journal: Journal | None, keys: Keys, workplace: Path) -> Prepared:
    """Find, check and lay out the bundle. `wanted`: a folder, NAME, NAME/VERSION, NAME@TAG, or nothing.

    Raises:
        ConfigError: there is none of that name.
        RefusedError: it is not as it was sealed, or not signed by whom to trust.
    """
    folder = _folder(wanted)
    if folder is None and not wanted:
        return Prepared(_NOBODY, None, (f"No bundle named, and not one in {BUNDLES}/. Name a folder or NAME/VERSION.",))
    if folder is not None:
        return _of_folder(folder, registry, journal, keys, workplace)
    reference = references.reference(wanted)
    if registry is None:
        raise ConfigError(f"No folder {wanted} here, and no registry named. Use --bucket or set LIMBECK_REGISTRY.")
    entry = registry.resolve(reference)
    trust = signer.needed_trust(entry.name, keys.trust_file)
    return _prepared(source.pulled(registry, Reference(entry.name, entry.version), trust, workplace), registry)


def _of_folder(
    folder: Path, registry: Registry | None, journal: Journal | None, keys: Keys, workplace: Path
) -> Prepared:
    manifest, _ = bundle_folder.read(folder)
    name, version = manifest.name, manifest.version
    trust = signer.trust_for(name, keys.trust_file)
    if registry is not None and journal is not None and registry.bucket.exists() and journal.holds(name, version):
        trust = trust or signer.needed_trust(name, keys.trust_file)
        return _prepared(source.pulled(registry, Reference(name, version), trust, workplace), registry)
    key = signer.find_signer(keys.pem, keys.kms)
    if key is not None:
        trust = trust or Trust(name, (key.public,))
        return _prepared(source.signed(folder, key, trust, workplace), registry)
    where = registry.where(name, version) if registry else f"s3://BUCKET/{name}/{version}"
    with refusing():
        bundle = Bundle(name, version, f"{name}-{version}-CODE", len(golden.read(folder)), where)
    needed = f"{folder} is not in the registry, and there is no key to sign it with. Use --kms KEY, --pem FILE, or set "
    return Prepared(bundle, None, (needed + f"{signer.KEY_VARIABLE}. `python -m infra key new DIR` makes one.",))


def _prepared(found: Source, registry: Registry | None) -> Prepared:
    name, version = found.manifest.name, found.manifest.version
    where = registry.where(name, version) if registry else f"s3://BUCKET/{name}/{version}"
    return Prepared(Bundle(name, version, found.tag, len(found.golden), where), found)


def _folder(wanted: str) -> Path | None:
    """The folder of the sealed bundle that is meant, where one is."""
    if wanted and not Path(wanted).is_dir():
        return None
    names = (
        [Path(wanted)] if wanted else sorted({path.parent.parent for path in BUNDLES.glob(f"*/*/{contract.MANIFEST}")})
    )
    if len(names) != 1:
        return None
    with refusing():
        return staging.newest(names[0])
