"""A sealed bundle -> a folder of files that any web server can serve. All that it says comes from the manifest."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

from markdown_it import MarkdownIt
from markupsafe import Markup
from rich.console import Console

from distill import cache
from distill.errors import DataError
from distill.modalities.register import MODALITIES, named
from distill.reporting import rendering, tables
from distill.web import policy, runtime
from handler.bundle import contract, golden
from handler.modalities import register as served

PAGE = Path(__file__).parent / "page"
MARK = "page.json"  # what the page reads first; a folder with it is a page that may be replaced
VENDOR = f"vendor/{runtime.PROJECT}-{runtime.VERSION}"
SCRIPT = runtime.SCRIPT.replace(".mjs", ".js")  # many servers do not know .mjs for a script
PACKED = f"{runtime.WASM}.gzip"  # not .gz: some servers would unpack that on the way
MODULES = (
    *("main.js", "model.js", "tensors.js", "cells.js", "levelling.js", "numbers.js"),
    *("pictures.js", "exif.js", "decisions.js", "explain.js", "words.js", "view.js", "form.js", "remote.js"),
    *(f"modalities/{name}.js" for name in ("register", *MODALITIES)),
)
_HEAVY = (contract.MODEL, f"{VENDOR}/{SCRIPT}", f"{VENDOR}/{PACKED}")  # what a person waits for
_PLAIN = (*MODULES, "style.css", "icon.svg")
_CARD = "card.md"
_UNSEEN = "\u2603"  # in every category that stands for "never seen"
_SCROLL = '<div class="scroll" role="region" tabindex="0"'


@dataclass(frozen=True)
class File:
    """One file of the page, and what it weighs on the wire."""

    name: str
    size: int
    gzip_size: int
    is_precached: bool  # fetched at the first visit, so that the page works offline


@dataclass(frozen=True)
class Site:
    """A page as it was written."""

    folder: Path
    manifest: contract.Manifest
    calls: str | None  # the URL it can ask on the server, where it has a switch
    files: tuple[File, ...]


def build(
    bundle: str | Path,
    out: str | Path,
    api: str | None = None,
    fetch: Callable[[], Mapping[str, bytes]] | None = None,
) -> Site:
    """Write the page of a sealed bundle to the folder `out`, in place of an older page.

    `api`: the deployed API's URL; None: no switch, and no other host the page may call. `fetch`: gives the
    runtime's files; None: `runtime.fetch`.

    Raises:
        BundleError: the bundle is refused.
        DataError: `out` holds something else than a page, or `api` cannot be called.
        FetchError: the runtime cannot be had.
    """
    bundle, out = Path(bundle), Path(out)
    calls = policy.endpoint(api) if api else None
    _check_out(out)
    manifest = contract.read(bundle)
    served.of(manifest.serving)
    files = _files(bundle, manifest, calls, (fetch or runtime.fetch)())
    _replace(out, files)
    notices = {f"{VENDOR}/{name}" for name in runtime.notices()}
    return Site(
        out,
        manifest,
        calls,
        tuple(
            File(name, len(content), len(_packed(content)), name not in notices)
            for name, content in sorted(files.items(), key=lambda item: -len(item[1]))
        ),
    )


def show(site: Site, console: Console) -> None:
    """Print the page's files, the heaviest first, and what a first visit fetches."""
    first = [file for file in site.files if file.is_precached]
    rows = [
        *((file.name, file.size, file.gzip_size) for file in site.files),
        ("first visit, then kept", sum(file.size for file in first), sum(file.gzip_size for file in first)),
    ]
    cells = tuple((name, *(tables.cost(size / 1000, 1) for size in sizes)) for name, *sizes in rows)
    tables.show([tables.Table("", ("file", "KB", "KB gzip"), cells)], console)
    switch = f"switch to {site.calls}" if site.calls else "no switch to a server (--api URL adds one)"
    for line in (f"page {site.folder}/index.html of {site.manifest.name} {site.manifest.version}", switch):
        console.print(line, soft_wrap=True)


def _files(bundle: Path, manifest: contract.Manifest, calls: str | None, code: Mapping[str, bytes]) -> dict[str, bytes]:
    """Every file of the page by its path."""
    inputs = _golden_inputs(bundle)
    examples = named(manifest.serving.task).page_examples(inputs)
    made = {name: (PAGE / name).read_bytes() for name in _PLAIN}
    made[contract.MODEL] = (bundle / contract.MODEL).read_bytes()
    made[f"{VENDOR}/{SCRIPT}"] = _without_map(code[runtime.SCRIPT])
    made[f"{VENDOR}/{PACKED}"] = _packed(code[runtime.WASM])
    made["runtime.js"] = _render("runtime.js.j2", folder=VENDOR, script=SCRIPT, wasm=PACKED)
    page = {  # what it has to know: a cut of the manifest, and where the server is
        "name": manifest.name,
        "version": manifest.version,
        "serving": asdict(manifest.serving),
        "model": {"file": contract.MODEL, "sha256": manifest.files[contract.MODEL]},
        "predict_url": calls,
        "examples": examples,
    }
    made[MARK] = json.dumps(page, separators=(",", ":"), sort_keys=True).encode()
    known = _suggestions(inputs, manifest.serving)
    made |= _pages(bundle, manifest, calls, known, bool(examples), sum(len(made[name]) for name in _HEAVY))
    integrity = _integrity(made)
    made["sw.js"] = _render("sw.js.j2", files=integrity, digest=cache.digest(json.dumps(integrity).encode())[:12])
    made |= {f"{VENDOR}/{name}": content for name, content in runtime.notices().items()}
    return made


def _golden_inputs(bundle: Path) -> list[object]:
    """What the page offers to try comes of these: made up or rounded, never a user's."""
    if not (bundle / contract.GOLDEN).is_file():
        return []
    return [one.input for one in golden.lines(bundle) if one is not None]


def _suggestions(inputs: Sequence[object], serving: contract.Serving) -> dict[str, list[str]]:
    """The categories that golden rows know, by column: enough training rows share each for a bundle to tell it."""
    found: dict[str, list[str]] = {column.name: [] for column in serving.inputs if column.kind == "category"}
    for row in inputs:
        for name, values in found.items():
            value = row.get(name) if isinstance(row, dict) else None
            if isinstance(value, str) and value and _UNSEEN not in value and value not in values:
                values.append(value)
    return found


def _pages(
    bundle: Path,
    manifest: contract.Manifest,
    calls: str | None,
    suggestions: Mapping[str, Sequence[str]],
    has_examples: bool,
    fetched_bytes: int,
) -> dict[str, bytes]:
    """The two HTML files: the page itself, and the model card where the bundle has one."""
    common: dict[str, Any] = {"manifest": manifest, "policy": policy.content_security_policy(calls), "calls": calls}
    card = bundle / _CARD
    made = {
        "index.html": _render(
            "index.html.j2",
            **common,
            modules=(*MODULES, "runtime.js", f"{VENDOR}/{SCRIPT}"),
            vendor=VENDOR,
            megabytes=fetched_bytes / 1e6,
            suggestions=suggestions,
            has_card=card.is_file(),
            has_examples=has_examples,
        )
    }
    if card.is_file():
        text = card.read_text(encoding="utf-8")
        made["card.html"] = _render("card.html.j2", **common, card=Markup(_html(text)))  # no HTML passes through
    return made


def _render(template: str, **values: object) -> bytes:
    return rendering.environment(PAGE).get_template(template).render(values).encode("utf-8", "replace")


def _html(markdown: str) -> str:
    """The card as HTML; HTML in it, were there any, as text."""
    parser = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["link", "image", "autolink"])
    tables = count(1)
    # The tags alone: a text's own "<" is escaped.
    made = re.sub("<table>", lambda _: f'{_SCROLL} aria-label="Table {next(tables)}"><table>', parser.render(markdown))
    return made.replace("</table>", "</table></div>")


def _without_map(script: bytes) -> bytes:
    """Without the last line, which names a source map that is not there."""
    lines = script.rstrip().splitlines()
    return b"\n".join(lines[:-1] if lines[-1].startswith(b"//# sourceMappingURL=") else lines) + b"\n"


def _packed(content: bytes) -> bytes:
    return gzip.compress(content, 9, mtime=0)


def _integrity(files: Mapping[str, bytes]) -> dict[str, str]:
    """Path -> the hash in the form that a browser's `fetch` checks (Subresource Integrity)."""
    return {
        name: "sha256-" + base64.b64encode(hashlib.sha256(content).digest()).decode()
        for name, content in sorted(files.items())
    }


def _check_out(out: Path) -> None:
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / MARK).is_file())):
        raise DataError(f"{out} is there and is no page of Limbeck's. Give --out a new or an empty folder.")


def _replace(out: Path, files: Mapping[str, bytes]) -> None:
    """Write the files beside `out`, and let them take its place when they are all there."""
    out = out.resolve()  # "." has a parent too
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as scratch:
        new = Path(scratch) / "new"
        for name, content in files.items():
            path = new / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        if out.exists():
            shutil.move(out, Path(scratch) / "old")
        shutil.move(new, out)
