"""A made-up Debian archive, and an apt-get that serves it."""

from __future__ import annotations

import hashlib
import os
import string
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

SECTIONS = ("games", "libs", "sound")
EACH = 420  # packages a section

_APT_GET = f"""#!{sys.executable}
import pathlib, shutil, sys
here = pathlib.Path(__file__).parent
with here.joinpath("calls").open("a") as calls:
    calls.write(sys.argv[-1] + "\\n")
[lists] = [pathlib.Path(word.partition("=")[2]) for word in sys.argv if word.startswith("-oDir::State::lists=")]
if "download" in sys.argv:
    package = here.joinpath("packages", sys.argv[-1])
    if not package.exists():
        sys.exit(f"E: Unable to locate package {{package.name}}")
    shutil.copy(package, f"{{package.name}}_1.0_all.deb")
    sys.exit()
if sys.argv[-1] == "update":
    for file in here.joinpath("archive").iterdir():
        shutil.copy(file, lists / file.name)
    sys.exit(here.joinpath("said").read_text() or 0)
sys.stdout.write(here.joinpath("targets").read_text().replace("LISTS", str(lists)))
"""
_TARGET = """Created-By: {kind}
Filename: LISTS/{file}
Origin: {origin}
Label: {label}
Codename: {codename}
Version: 12.11
Component: {component}

"""


def words(seed: object, count: int = 6) -> str:
    """Words that no other seed has."""
    digest = hashlib.sha256(repr(seed).encode()).digest()
    letters = [string.ascii_lowercase[byte % 26] for byte in digest]
    return " ".join("".join(letters[start : start + 5]) for start in range(0, 5 * count, 5))


def made(sections: Sequence[str] = SECTIONS, each: int = EACH, mark: str = "") -> list[dict[str, str]]:
    """Stanzas, three to a source; the third has no Source field, as its name is that of its source."""
    stanzas = []
    for section in sections:
        for number in range(each):
            source = f"{section.replace('/', '-')}{mark}-{number // 3}"
            text = (
                f"{section} {words((section, number, mark))}\n {words((source, number), 5)}\n .\n   * {words(number)}"
            )
            stanza = {"Package": source if number % 3 == 2 else f"{source}-{number}", "Section": section}
            stanza |= {} if number % 3 == 2 else {"Source": f"{source} (1.{number})"}
            stanzas.append(stanza | {"Description": text})
    return stanzas


def control(stanzas: Iterable[dict[str, str]]) -> str:
    """Stanzas as a control file has them."""
    return "\n".join("".join(f"{name}: {value}\n" for name, value in stanza.items()) for stanza in stanzas)


def synopses(stanzas: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    """As in a `Packages` file: the long description is elsewhere, by its hash."""
    return [
        stanza | {"Description": stanza["Description"].partition("\n")[0], "Description-md5": _md5(stanza)}
        for stanza in stanzas
    ]


def translations(stanzas: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    """As in a `Translation-en` file."""
    return [
        {"Package": stanza["Package"], "Description-md5": _md5(stanza), "Description-en": stanza["Description"]}
        for stanza in stanzas
    ]


def _md5(stanza: dict[str, str]) -> str:
    return hashlib.md5(stanza["Description"].encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True)
class AptGet:
    """The only program on PATH: an apt-get, and what it serves."""

    folder: Path

    @property
    def calls(self) -> list[str]:
        """The commands it was given."""
        path = self.folder / "calls"
        return path.read_text().split() if path.exists() else []

    def says(self, text: str) -> None:
        """What `update` writes to standard error; it fails then."""
        self.folder.joinpath("said").write_text(text)

    def holds(self, package: str, content: bytes) -> None:
        """Add a package's file to what it can download."""
        path = self.folder / "packages" / package
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)

    def serve(
        self,
        stanzas: list[dict[str, str]],
        codename: str = "bookworm",
        label: str = "Debian",
        origin: str = "Debian",
        component: str = "main",
    ) -> None:
        """Add an archive to its sources."""
        files = {"Packages": control(synopses(stanzas)), "Translations": control(translations(stanzas))}
        for kind, content in files.items():
            file = f"{origin}_{label}_{codename}_{component}_{kind}"
            self.folder.joinpath("archive", file).write_text(content)
            with self.folder.joinpath("targets").open("a") as targets:
                targets.write(
                    _TARGET.format(
                        kind=kind, file=file, origin=origin, label=label, codename=codename, component=component
                    )
                )


def apt_get(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AptGet:
    """An apt-get without sources in `folder`, which becomes PATH."""
    folder.joinpath("archive").mkdir(parents=True)
    for name, content in (("apt-get", _APT_GET), ("said", ""), ("targets", "")):
        folder.joinpath(name).write_text(content)
    folder.joinpath("apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", os.fspath(folder))
    return AptGet(folder)
