"""Debian's package lists and packages, fetched by apt-get with the machine's sources and keys into a folder of our own.

The system's lists are left alone (in containers they have no descriptions, or are absent), and no root is needed.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from distill import progress
from distill.data.public.debian import control
from distill.errors import FetchError

TIMEOUT_S = 600
_PACKAGES, _ENGLISH = "Packages", "en"
ARCHITECTURE = "amd64"  # on every machine, so that all have the same packages
_ELSEWHERE = f"run `{control.COMMAND} > packages.txt` on a Debian machine and set data.path to that file."
_BY_HAND = f"Check the network and run again, or {_ELSEWHERE}"
# Read after the machine's own configuration. No hook of the system's runs, and of all indexes only two are fetched,
# for one architecture (apt.conf(5); acquire-additional-files in apt's documentation).
_CONFIGURATION = f"""
#clear APT::Update;
#clear APT::Architectures;
#clear Acquire::Languages;
#clear Acquire::IndexTargets;
APT::Architecture "{ARCHITECTURE}";
APT::Architectures {{ "{ARCHITECTURE}"; }};
Acquire::Languages {{ LANGUAGES }};
Acquire::GzipIndexes "false";
Acquire::IndexTargets::deb::Packages {{
  MetaKey "$(COMPONENT)/binary-$(ARCHITECTURE)/Packages"; flatMetaKey "Packages";
  ShortDescription "Packages"; Description "$(RELEASE)/$(COMPONENT) $(ARCHITECTURE) Packages";
  flatDescription "$(RELEASE) Packages"; Optional "false";
}};
Acquire::IndexTargets::deb::Translations {{
  MetaKey "$(COMPONENT)/i18n/Translation-$(LANGUAGE)"; flatMetaKey "$(LANGUAGE)";
  ShortDescription "Translation-$(LANGUAGE)"; Description "$(RELEASE)/$(COMPONENT) Translation-$(LANGUAGE)";
  flatDescription "$(RELEASE) Translation-$(LANGUAGE)";
}};
Dir::State::status "/dev/null";
"""


@dataclass(frozen=True)
class Lists:
    """The main component of one Debian release."""

    release: str  # "Debian 12.11 (bookworm), main, amd64"
    packages: Path  # its `Packages` file
    descriptions: Path  # its `Translation-en` file
    translations: Mapping[str, Path]  # the `Translation-xx` file of each language that was asked for, English too


def fetch(folder: Path, languages: Sequence[str] = ("en",)) -> Lists:
    """Have apt-get fetch the lists into `folder`, which is empty.

    `languages`: of descriptions, English among them; one that the archive lacks is left out.

    Raises:
        FetchError: no apt, no network, or no Debian archive among the machine's sources.
    """
    said = _updated(folder, languages, "Debian's package lists", _ELSEWHERE)
    # One source in many may fail: what counts is whether the wanted lists came.
    done = _apt_get(folder, ["indextargets"], "Debian's package lists", _ELSEWHERE)
    targets = list(control.read(done.stdout.splitlines(), "apt-get indextargets"))
    lists = _main(targets)
    if lists is None:
        raise FetchError(f"apt-get fetched no package lists of Debian's: {_reason(said, targets)}. {_BY_HAND}")
    return lists


def download(folder: Path, package: str, megabytes: int) -> Path:
    """Have apt-get fetch a package's file into `folder`, which is empty; nothing is installed.

    Raises:
        FetchError: no apt, no network, or no such package in the archives of the machine's sources.
    """
    what = f"Debian's package {package}"
    elsewhere = f"fetch it from https://packages.debian.org/{package} and set data.path to the file."
    said = _updated(folder, ("none",), what, elsewhere)
    with progress.waiting(f"Fetching {what} ({megabytes} MB) with apt-get"):
        done = _apt_get(folder, ["download", package], what, elsewhere)
    found = sorted(folder.glob("*.deb"))
    if not found:
        reason = _reason(done.stderr if "Unable to locate" not in done.stderr else said + done.stderr, [])
        raise FetchError(f"apt-get fetched no {package}: {reason}. Check the network and run again, or {elsewhere}")
    return found[0]


def _updated(folder: Path, languages: Sequence[str], what: str, elsewhere: str) -> str:
    """Have apt-get fetch the lists of the machine's sources into `folder`. Returns what it said of failures."""
    if shutil.which("apt-get") is None:
        raise FetchError(f"This machine has no apt-get to fetch {what}: {elsewhere}")
    folder.chmod(0o755)  # else apt, run by root, could not fetch as the user _apt that it has for that
    folder.joinpath("lists", "partial").mkdir(parents=True)
    names = " ".join(f'"{language}";' for language in languages)
    folder.joinpath("apt.conf").write_text(_CONFIGURATION.replace("LANGUAGES", names))
    with progress.waiting("Fetching Debian's package lists (16 MB) with apt-get"):
        return _apt_get(folder, ["update"], what, elsewhere).stderr


def _apt_get(folder: Path, command: Sequence[str], what: str, elsewhere: str) -> subprocess.CompletedProcess[str]:
    by_hand = f"Check the network and run again, or {elsewhere}"
    options = {"Dir::State": folder, "Dir::State::lists": folder / "lists", "Dir::Cache": folder / "cache"}
    line = ["apt-get", "-q", "-c", str(folder / "apt.conf"), *(f"-o{key}={value}" for key, value in options.items())]
    try:
        return subprocess.run(
            [*line, *command],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env=os.environ | {"LC_ALL": "C"},  # messages as `_reason` knows them
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise FetchError(f"apt-get took over {TIMEOUT_S} s to fetch {what}. {by_hand}") from None
    except OSError as error:
        raise FetchError(f"apt-get cannot be run ({error.strerror}). {by_hand}") from None


def _main(targets: list[dict[str, str]]) -> Lists | None:
    """Main of the primary archive: of the machine's own release if there are several, else of the first listed."""
    found: dict[str, dict[str, dict[str, str]]] = {}
    for target in targets:
        codename = target.get("codename", "")
        primary = target.get("origin") == target.get("label") == "Debian" and "-" not in codename  # no -updates
        if primary and target.get("component") == "main" and Path(target.get("filename", "")).is_file():
            found.setdefault(codename, {}).setdefault(_kind(target), target)
    whole = {codename: kinds for codename, kinds in found.items() if {_PACKAGES, _ENGLISH} <= set(kinds)}
    if not whole:
        return None
    codename = own_codename()
    codename = codename if codename in whole else next(iter(whole))
    packages, descriptions = whole[codename][_PACKAGES], whole[codename][_ENGLISH]
    translations = {kind: Path(target["filename"]) for kind, target in whole[codename].items() if kind != _PACKAGES}
    version = packages.get("version")  # testing and unstable have none
    release = f"Debian {version} ({codename})" if version else f"Debian {codename}"
    return Lists(
        f"{release}, main, {ARCHITECTURE}", Path(packages["filename"]), Path(descriptions["filename"]), translations
    )


def _kind(target: dict[str, str]) -> str:
    """What is in a list: packages, or the language of its descriptions."""
    return _PACKAGES if target.get("created-by") == _PACKAGES else target.get("language", _ENGLISH)


def own_codename() -> str:
    """The codename of the release that this machine runs, "" if it has none."""
    try:
        return platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    except OSError:
        return ""


def _reason(said: str, targets: list[dict[str, str]]) -> str:
    """Why there is nothing: apt's first error, or its first failure, or the sources it has instead."""
    lines = [line.strip() for line in said.splitlines()]
    told = [line for start in ("E: ", "W: Failed") for line in lines if line.startswith(start)]
    if told:
        return " ".join(told[0][3:].split()).rstrip(".")
    origins = sorted({f"{target.get('origin', '')} {target.get('codename', '')}".strip() for target in targets})
    return f"its sources are {', '.join(filter(None, origins))}" if any(origins) else "it has no sources"
