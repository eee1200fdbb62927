"""A sealed bundle on its way into the image: checked, then laid where the Docker context takes it from.

With it goes the trust file that the function checks the bundle's signature by, at the image's build and at every start,
and the list of packages, if any, that the image of a bundle of its task has beside the others.
"""

from __future__ import annotations

import os
import shutil
import ssl
from contextlib import suppress
from pathlib import Path

from handler.bundle import contract, signature
from infra.errors import ConfigError
from infra.signing import keys, signer

ROOT = Path(__file__).resolve().parents[2]
BUILD = ".build"
BUNDLE = "bundle"
TRUST = "trust.json"
CERTIFICATES = "ca.pem"
PACKAGES = "constraints-task.txt"
_CONSTRAINTS = Path(__file__).resolve().parents[1]
_DEVELOPMENT_KEY = "development-key.pem"  # the Docker context does not hold it
_CERTIFICATE_VARIABLES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def stage(bundle: Path, root: Path = ROOT, trust: signature.Trust | None = None) -> contract.Manifest:
    """Check `bundle` whole and put a copy in `.build/bundle`, and in `.build/trust.json` whose signature it must bear.

    Both take the place of those before. Only what the manifest lists is copied, and its signature, readable by
    everybody: Lambda runs the function as a user of its own. The copy is checked again before it takes the name, so
    the image never holds half a bundle.

    `trust`: whose signature counts; the bundle's own is checked. Without it the copy is signed with this checkout's
    development key, made on the spot, which nobody else trusts: what is served is signed, here too.

    Raises:
        BundleError: the bundle is not as it was sealed, or not signed by whom to trust.
    """
    manifest = contract.read(bundle)
    build = root / BUILD
    copy, target = build / f"{BUNDLE}.{os.getpid()}", build / BUNDLE
    shutil.rmtree(copy, ignore_errors=True)
    copy.mkdir(parents=True)
    try:
        for name in (*manifest.files, contract.MANIFEST):
            shutil.copyfile(bundle / name, copy / name)
        if trust is None:
            trust = _sign_for_development(copy, manifest, build)
        else:
            signature.check(bundle, trust)
            shutil.copyfile(bundle / contract.SIGNATURE, copy / contract.SIGNATURE)
        contract.read(copy)
        signature.check(copy, trust)
        for path in copy.iterdir():
            path.chmod(0o644)
        copy.chmod(0o755)
        shutil.rmtree(target, ignore_errors=True)
        copy.rename(target)
        draft = build / f".{TRUST}.{os.getpid()}"  # whole or not at all, readable by everybody
        draft.write_bytes(keys.trust_text(trust))
        draft.chmod(0o644)
        draft.replace(build / TRUST)
        _stage_packages(manifest.serving.task, build)
    finally:
        shutil.rmtree(copy, ignore_errors=True)
    return manifest


def _stage_packages(task: str, build: Path) -> None:
    """Put what bundles of this task need beside `constraints-image.txt` in `.build/constraints-task.txt`."""
    source, target = _CONSTRAINTS / f"constraints-image-{task}.txt", build / PACKAGES
    if source.is_file():
        shutil.copyfile(source, target)
        target.chmod(0o644)
    else:
        target.unlink(missing_ok=True)


def _sign_for_development(copy: Path, manifest: contract.Manifest, build: Path) -> signature.Trust:
    """Sign the copy with the checkout's own key, and trust that."""
    path = build / _DEVELOPMENT_KEY
    if not path.exists():
        with suppress(ConfigError):  # another stage was faster, and its key does as well
            keys.new_key(path)
    key = keys.PemSigner.read(path)
    signer.sign_folder(copy, (copy / contract.MANIFEST).read_bytes(), key)
    return signature.Trust(manifest.name, (key.public,))


def stage_certificates(root: Path = ROOT) -> Path | None:
    """Put the certificates that this machine trusts in `.build/ca.pem`, for pip inside the image's build.

    Where a proxy signs with a certificate of its own, only this machine knows it. The final image does not get it.
    """
    candidates = [*map(os.environ.get, _CERTIFICATE_VARIABLES), ssl.get_default_verify_paths().cafile]
    source = next((Path(name) for name in candidates if name and Path(name).is_file()), None)
    target = root / BUILD / CERTIFICATES
    if source is None:
        target.unlink(missing_ok=True)
        return None
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(0o644)
    return target
