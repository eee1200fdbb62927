"""A sealed bundle on its way into the image: checked, then laid where the Docker context takes it from."""

from __future__ import annotations

import os
import shutil
import ssl
from pathlib import Path

from handler import contract
from handler.contract import Manifest
from handler.errors import BundleError

ROOT = Path(__file__).resolve().parent.parent
BUILD = ".build"
BUNDLE = "bundle"
CERTIFICATES = "ca.pem"
_CERTIFICATE_VARIABLES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def newest(folder: Path) -> Path:
    """The bundle meant by `folder`: itself if it is one, else the newest sealed one among its versions.

    `bundles/<name>` holds a folder a version, and a file `latest` that names the last one sealed.

    Raises:
        BundleError: there is no sealed bundle in `folder`.
    """
    if (folder / contract.MANIFEST).is_file():
        return folder
    sealed = sorted(folder.glob(f"*/{contract.MANIFEST}"), key=lambda path: path.stat().st_mtime)
    try:
        latest = folder / (folder / "latest").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        latest = None
    if latest is not None and latest / contract.MANIFEST in sealed:
        return latest
    if not sealed:
        raise BundleError(
            f"No sealed bundle in {folder}: wanted a folder with {contract.MANIFEST}, or one of such folders. "
            "Make one with `python -m distill run RECIPE --out bundles`."
        )
    return sealed[-1].parent


def stage(bundle: Path, root: Path = ROOT) -> Manifest:
    """Check `bundle` whole and put a copy in `.build/bundle`, in place of the one before.

    Only what the manifest lists is copied, readable by everybody: Lambda runs the function as a user of its own.
    The copy is checked again before it takes the name, so the image never holds half a bundle.

    Raises:
        BundleError: the bundle is not as it was sealed.
    """
    manifest = contract.read(bundle)
    build = root / BUILD
    copy, target = build / f"{BUNDLE}.{os.getpid()}", build / BUNDLE
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir(parents=True)
    try:
        for name in (*manifest.files, contract.MANIFEST):
            shutil.copyfile(bundle / name, copy / name)
            (copy / name).chmod(0o644)
        copy.chmod(0o755)
        contract.read(copy)
        shutil.rmtree(target, ignore_errors=True)
        copy.rename(target)
    finally:
        shutil.rmtree(copy, ignore_errors=True)
    return manifest


def stage_certificates(root: Path = ROOT) -> Path | None:
    """Put the certificates that this machine trusts in `.build/ca.pem`, for pip inside the image's build.

    Where a proxy signs with a certificate of its own, only this machine knows it. The final image does not get it.
    """
    named = (os.environ.get(variable) for variable in _CERTIFICATE_VARIABLES)
    candidates = [*named, ssl.get_default_verify_paths().cafile]
    source = next((Path(name) for name in candidates if name and Path(name).is_file()), None)
    target = root / BUILD / CERTIFICATES
    if source is None:
        target.unlink(missing_ok=True)
        return None
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o644)
    return target
