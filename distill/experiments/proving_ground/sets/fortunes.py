"""fortune(6): a saying -> the file that it stands in: computers, science, love, politics ..."""

from __future__ import annotations

from distill.experiments.proving_ground.sets.debian_package import unpacked
from distill.experiments.proving_ground.sets.proving_set import Cells, texts

_NOT_OF_TEXTS = (".dat", ".u8")  # an index, and the same file by another name


def sayings() -> Cells:
    """Every saying of the two packages, without those that Debian calls offensive, which are in a package of their own.

    Raises:
        FetchError: see `debian_package.unpacked`.
    """
    rows = []
    for package in ("fortunes-min", "fortunes"):
        folder = unpacked(package) / "usr" / "share" / "games" / "fortunes"
        for path in sorted(folder.iterdir()):
            if path.suffix not in _NOT_OF_TEXTS:
                sayings = path.read_text(encoding="utf-8", errors="replace").split("\n%\n")
                rows += [(saying.strip().strip("%").strip(), path.name) for saying in sayings]
    return texts([(saying, name) for saying, name in rows if saying])
