"""onnxruntime-web: fetched by npm with the machine's own settings, checked against pinned hashes and kept.

The plain WebAssembly build alone, with its loader inside: one thread, no WebGPU, no other code at run time. 1.30.0 is
the newest on npm and opens what this Limbeck exports, `com.microsoft` and `ai.onnx.ml` operators included.
"""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from distill import cache
from distill.errors import FetchError
from distill.progress import waiting

PROJECT, VERSION = "onnxruntime-web", "1.30.0"
SCRIPT, WASM = "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"
TIMEOUT_S = 600
_SHA256: Mapping[str, str] = {
    SCRIPT: "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    WASM: "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
_NOTICES = ("LICENSE", "ThirdPartyNotices.txt")
_MEGABYTES = 33


def fetch() -> dict[str, bytes]:
    """The runtime's script and its WebAssembly by file name, from the cache or from npm.

    Raises:
        FetchError: no npm, no network, or another file than the pinned one.
    """
    folder = cache.root() / "web" / f"{PROJECT}-{VERSION}"
    try:
        return {name: _pinned(folder / name) for name in _SHA256}
    except (OSError, FetchError):  # not there yet, or torn
        return _fetched(folder)


def notices() -> dict[str, bytes]:
    """ONNX Runtime's licence and those of what it is built from: npm's archive has none, its wheel on PyPI has both."""
    return {name: files("onnxruntime").joinpath(name).read_bytes() for name in _NOTICES}


def _pinned(path: Path) -> bytes:
    """A file's content.

    Raises:
        FetchError: it is another than the pinned one.
    """
    content = path.read_bytes()
    if cache.digest(content) != _SHA256[path.name]:
        raise FetchError(f"{path.name} is not that of {PROJECT} {VERSION}. Check npm's registry settings.")
    return content


def _fetched(folder: Path) -> dict[str, bytes]:
    """The files from npm, checked and then kept in `folder`."""
    with tempfile.TemporaryDirectory() as scratch:
        with tarfile.open(_download(Path(scratch), folder)) as tar:
            members = [tar.getmember(f"package/dist/{name}") for name in _SHA256]
            tar.extractall(scratch, members, filter="data")
        found = {name: _pinned(Path(scratch) / "package" / "dist" / name) for name in _SHA256}
    try:
        for name, content in found.items():
            with cache.replacing(folder / name) as temporary:
                temporary.write_bytes(content)
    except OSError as error:
        reason = f"{folder} cannot be written ({error.strerror})"
        raise FetchError(f"{reason}. Set LIMBECK_CACHE to a folder that can.") from None
    return found


def _download(scratch: Path, folder: Path) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        raise FetchError(f"npm is not installed, and {PROJECT} {VERSION} comes from it. {_by_hand(folder)}")
    command = [npm, "pack", f"{PROJECT}@{VERSION}", "--ignore-scripts", "--silent", "--pack-destination", str(scratch)]
    with waiting(f"Fetching {PROJECT} {VERSION} ({_MEGABYTES} MB) with npm"):
        try:
            done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired:
            raise FetchError(f"npm took over {TIMEOUT_S} s to fetch {PROJECT}. {_by_hand(folder)}") from None
    archive = scratch / f"{PROJECT}-{VERSION}.tgz"
    if done.returncode or not archive.is_file():
        lines = [line.strip() for line in done.stderr.splitlines() if "error" in line.lower()]
        reason = lines[0] if lines else f"exit status {done.returncode}"
        raise FetchError(f"npm could not fetch {PROJECT}@{VERSION}: {reason}. {_by_hand(folder)}")
    return archive


def _by_hand(folder: Path) -> str:
    return (
        f"Install Node.js with npm, check the network and run again, or fetch {PROJECT} {VERSION} elsewhere "
        f"and place {SCRIPT} and {WASM} of its folder dist in {folder}."
    )
