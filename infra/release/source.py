"""The bundle that is to be released, brought to a temporary folder of this machine, checked and signed.

It comes out of the registry, or it is a folder here that the release will push first: then it is signed here.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from handler.bundle import contract, golden, signature
from handler.bundle.contract import Manifest
from handler.bundle.golden import Golden
from handler.bundle.signature import SIGNATURE, Trust
from handler.errors import BundleError
from infra.errors import refusing
from infra.image import build
from infra.registry import bundle_folder
from infra.registry.references import Reference
from infra.registry.registry import Registry
from infra.signing.signer import Signer, sign_folder


@dataclass(frozen=True)
class Source:
    """The bundle on this machine, checked, and the folder that its image is built from."""

    folder: Path
    context: Path
    manifest: Manifest
    golden: tuple[Golden, ...]
    tag: str  # of the image


def pulled(registry: Registry, wanted: Reference, trust: Trust, workplace: Path) -> Source:
    """The registry's own copy.

    Raises:
        RefusedError: it is not as it was sealed, or not signed by whom to trust.
    """
    return _laid(registry.pull(wanted, workplace / "pulled", trust), trust, workplace)


def signed(folder: Path, signer: Signer, trust: Trust, workplace: Path) -> Source:
    """A signed copy of a folder. A signature that the folder has, and that is trusted, is kept.

    Raises:
        RefusedError: it is not as it was sealed, or its key is not trusted.
    """
    manifest, text = bundle_folder.read(folder)
    copy = workplace / "signed" / manifest.version
    copy.mkdir(parents=True)
    for name in (*manifest.files, contract.MANIFEST):
        shutil.copyfile(folder / name, copy / name)
    kept = folder / SIGNATURE
    try:
        signature.check(folder, trust)
        shutil.copyfile(kept, copy / SIGNATURE)
    except BundleError:
        sign_folder(copy, text, signer)
    return _laid(copy, trust, workplace)


def _laid(folder: Path, trust: Trust, workplace: Path) -> Source:
    context = workplace / "context"
    context.mkdir()
    with refusing():
        manifest = build.lay(folder, trust, context)
        return Source(folder, context, manifest, golden.read(folder), build.tag_of(manifest, context))
