"""The page as it is built: its files, what it may do, what is refused. How it behaves is tested in a browser."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
from base64 import b64decode
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typer.testing import CliRunner

from distill.__main__ import app
from distill.errors import DataError, FetchError
from distill.web import policy, runtime, site
from handler.bundle.contract import Input
from handler.errors import BundleError
from tests import bundles

API = "https://abc123.execute-api.eu-central-1.amazonaws.com/live"
RUNTIME = {runtime.SCRIPT: b"export {};\n//# sourceMappingURL=x.map", runtime.WASM: b"\0asm" * 1000}
HERE = Path(__file__).parent


class Elements(HTMLParser):
    """Every element's name and attributes, and all text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]

    def one(self, id_: str) -> dict[str, str | None]:
        return next(attributes for _, attributes in self.found if attributes.get("id") == id_)

    def ids(self) -> set[str | None]:
        return {attributes.get("id") for _, attributes in self.found}


def build(bundle: Path, out: Path, api: str | None = None) -> site.Site:
    return site.build(bundle, out, api, fetch=lambda: RUNTIME)


@pytest.fixture
def text_site(tmp_path: Path) -> site.Site:
    bundles.text_bundle(tmp_path / "bundle")
    return build(tmp_path / "bundle", tmp_path / "out")


@pytest.fixture
def tabular_site(tmp_path: Path) -> site.Site:
    golden = [{"age": 30.0, "colour": "red"}, {"age": 50.0, "colour": "blue"}, {"age": None, "colour": "never \u2603"}]
    bundles.seal(tmp_path / "bundle", bundles.tabular_model(), bundles.tabular_serving(), "rows", golden)
    return build(tmp_path / "bundle", tmp_path / "out")


def index(made: site.Site) -> Elements:
    return Elements((made.folder / "index.html").read_text())


def test_the_model_is_the_bundles_own_bytes(text_site: site.Site, tmp_path: Path) -> None:
    assert (text_site.folder / "model.onnx").read_bytes() == (tmp_path / "bundle" / "model.onnx").read_bytes()
    page = json.loads((text_site.folder / "page.json").read_text())
    assert page["model"]["sha256"] == hashlib.sha256((text_site.folder / "model.onnx").read_bytes()).hexdigest()
    assert page["version"] == text_site.manifest.version


def test_the_same_bundle_makes_the_same_bytes(text_site: site.Site, tmp_path: Path) -> None:
    again = build(tmp_path / "bundle", tmp_path / "again")
    for file in text_site.files:
        assert (again.folder / file.name).read_bytes() == (text_site.folder / file.name).read_bytes(), file.name


def test_a_text_model_gets_a_text_box(text_site: site.Site) -> None:
    page = index(text_site)
    assert [box["data-column"] for box in page.all("textarea")] == ["text"]


def test_a_tabular_model_gets_a_labelled_field_a_column(tabular_site: site.Site) -> None:
    page = index(tabular_site)
    fields = [field for field in page.all("input") if "data-column" in field]
    assert [(field["data-column"], field["type"]) for field in fields] == [("age", "number"), ("colour", "text")]
    labelled = {label["for"] for label in page.all("label")}
    assert all(field["id"] in labelled for field in fields)


def test_a_model_of_pictures_gets_a_labelled_place_for_a_file_and_no_wider_policy(tmp_path: Path) -> None:
    bundles.image_bundle(tmp_path / "bundle")
    page = index(build(tmp_path / "bundle", tmp_path / "out"))
    files = [field for field in page.all("input") if field.get("type") == "file"]
    assert [(field["id"], field.get("capture")) for field in files] == [("field-0", None), ("camera", "environment")]
    # By name: of "image/*" an iPhone would hand over HEIC.
    assert all(kind.startswith("image/") and "*" not in kind for kind in str(files[0]["accept"]).split(","))
    assert {field["id"] for field in files} <= {label["for"] for label in page.all("label")}
    assert "25 million" in page.text
    policies = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    assert policies == [policy.content_security_policy(None)]


def test_known_categories_are_offered_and_unseen_ones_are_not(tabular_site: site.Site) -> None:
    assert [option["value"] for option in index(tabular_site).all("option")] == ["red", "blue"]


def test_nothing_typed_is_kept_by_the_browser(text_site: site.Site, tabular_site: site.Site) -> None:
    for made in (text_site, tabular_site):
        page = index(made)
        for field in page.all("textarea") + page.all("input"):
            assert field["autocomplete"] == "off"
        assert "password" not in {field.get("type") for field in page.all("input")}  # browsers offer to store those
    code = "".join((made.folder / name).read_text() for name in site.MODULES)
    assert not re.search(r"localStorage|sessionStorage|indexedDB|document\.cookie|pushState|replaceState", code)


def test_no_file_names_another_host(text_site: site.Site) -> None:
    for file in text_site.files:
        if "vendor" not in file.name and file.name.endswith((".js", ".css", ".html", ".json")):
            text = (text_site.folder / file.name).read_text()
            assert set(re.findall(r"\b(?:https?|wss?)://[^\s\"'<]+", text)) == set(), file.name


def test_nothing_is_inline_so_that_the_policy_can_be_strict(text_site: site.Site, tabular_site: site.Site) -> None:
    for made in (text_site, tabular_site):
        for name in ("index.html", "card.html"):
            page = Elements((made.folder / name).read_text())
            assert all(script.get("src") for script in page.all("script"))
            assert page.all("style") == []
            assert not [
                key for _, attributes in page.found for key in attributes if key.startswith("on") or key == "style"
            ]


def test_the_policy_lets_nothing_out_but_to_the_one_url(tmp_path: Path) -> None:
    bundles.text_bundle(tmp_path / "bundle")
    for api, connect in ((None, "connect-src 'self'"), (API, f"connect-src 'self' {API}/predict")):
        made = build(tmp_path / "bundle", tmp_path / "out", api)
        meta = next(meta for meta in index(made).all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
        rules = str(meta["content"]).split("; ")
        assert connect in rules
        assert {"default-src 'none'", "script-src 'self' 'wasm-unsafe-eval'", "style-src 'self'"} <= set(rules)
        assert "unsafe-inline" not in str(meta["content"]) and "'unsafe-eval'" not in str(meta["content"])


def test_the_switch_is_there_only_with_an_api(tmp_path: Path) -> None:
    bundles.text_bundle(tmp_path / "bundle")
    switch = {"where-browser", "where-server", "preview", "key", "send"}
    assert index(build(tmp_path / "bundle", tmp_path / "out")).ids() & switch == set()
    page = index(build(tmp_path / "bundle", tmp_path / "out", API))
    assert page.ids() >= switch
    assert "checked" in page.one("where-browser") and "checked" not in page.one("where-server")


@pytest.mark.parametrize("api", [API, f"{API}/", f"{API}/predict", f" {API}/predict/ "])
def test_the_api_may_be_named_with_or_without_its_path(api: str) -> None:
    assert policy.endpoint(api) == f"{API}/predict"


@pytest.mark.parametrize(
    "api",
    [
        "http://example.org", "ftp://example.org", "example.org", "https://", "https://a b", "https://a;b", "https://a,b",
        "https://user:word@host", "https://host?x=1", "https://host#x", "https://*.host/'self'", "https://host:port",
        "javascript:alert(1)", "https://hóst",
    ],
)  # fmt: skip
def test_an_api_that_could_widen_the_policy_is_refused(api: str) -> None:
    with pytest.raises(DataError, match="--api"):
        policy.endpoint(api)


def test_an_api_on_this_machine_may_be_plain_http() -> None:
    assert policy.endpoint("http://localhost:3000") == "http://localhost:3000/predict"
    assert policy.endpoint("http://127.0.0.1:3000/") == "http://127.0.0.1:3000/predict"


def test_names_from_users_are_text_on_the_page(tmp_path: Path) -> None:
    spiteful = '"><script>alert(1)</script>'
    inputs = (Input("age", "float32", "number"), Input(spiteful, "string", "category"))
    serving = bundles.tabular_serving(inputs=inputs, labels=("no", spiteful))
    bundles.seal(tmp_path / "bundle", bundles.tabular_model(), serving, "rows")
    page = index(build(tmp_path / "bundle", tmp_path / "out"))
    assert [field["data-column"] for field in page.all("input") if "data-column" in field] == ["age", spiteful]
    assert len(page.all("script")) == 1


def test_html_in_a_card_stays_text_and_tables_scroll(tmp_path: Path) -> None:
    made = site._html("<b onclick=x>hi</b> [a](https://example.org)\n\n| a | b |\n|---|---|\n| 1 | <i>2</i> |\n")
    page = Elements(made)
    assert {tag for tag, _ in page.found} == {"p", "div", "table", "thead", "tbody", "tr", "th", "td"}
    assert [div["tabindex"] for div in page.all("div")] == ["0"]
    assert "<i>2</i>" in page.text


def test_every_file_that_the_page_needs_is_kept_under_its_hash(text_site: site.Site) -> None:
    worker = (text_site.folder / "sw.js").read_text()
    kept = json.loads(re.search(r"Object\.entries\((\{.*?\})\)\)", worker)[1])  # type: ignore[index]
    for name, integrity in kept.items():
        content = (text_site.folder / name).read_bytes()
        assert b64decode(integrity.removeprefix("sha256-")) == hashlib.sha256(content).digest()
    files = {path.relative_to(text_site.folder).as_posix() for path in text_site.folder.rglob("*") if path.is_file()}
    notices = {f"{site.VENDOR}/{name}" for name in runtime.notices()}
    assert kept.keys() == files - notices - {"sw.js"}
    assert {file.name for file in text_site.files} == files


def test_every_module_that_is_imported_is_there(text_site: site.Site) -> None:
    for path in [it for pattern in ("*.js", "modalities/*.js") for it in text_site.folder.glob(pattern)]:
        for wanted in re.findall(r'from "(\.[^"]+)"', path.read_text()):
            assert (path.parent / wanted).is_file(), f"{path.name} imports {wanted}"


def test_the_runtime_comes_with_its_licence_and_without_its_source_map(text_site: site.Site) -> None:
    vendor = text_site.folder / site.VENDOR
    assert "MIT License" in (vendor / "LICENSE").read_text()
    assert "sourceMappingURL" not in (vendor / site.SCRIPT).read_text()
    assert gzip.decompress((vendor / site.PACKED).read_bytes()) == RUNTIME[runtime.WASM]


def test_a_threshold_of_the_manifest_is_where_the_slider_starts(tmp_path: Path) -> None:
    serving = bundles.text_serving()
    bundles.text_bundle(
        tmp_path / "bundle", replace(serving, thresholds=replace(serving.thresholds, abstain_below=0.6))
    )
    assert index(build(tmp_path / "bundle", tmp_path / "out")).one("abstain")["value"] == "60"


def test_an_older_page_is_replaced_whole(text_site: site.Site, tmp_path: Path) -> None:
    (text_site.folder / "left-over.js").write_text("old")
    build(tmp_path / "bundle", text_site.folder)
    assert not (text_site.folder / "left-over.js").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_folder_of_somebodys_files_is_left_alone(tmp_path: Path) -> None:
    bundles.text_bundle(tmp_path / "bundle")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("precious")
    with pytest.raises(DataError, match="no page of Limbeck's"):
        build(tmp_path / "bundle", tmp_path / "out")
    assert (tmp_path / "out" / "thesis.txt").read_text() == "precious"


def test_a_bundle_that_changed_after_sealing_is_refused(tmp_path: Path) -> None:
    bundles.text_bundle(tmp_path / "bundle")
    with (tmp_path / "bundle" / "model.onnx").open("ab") as model:
        model.write(b"\0")
    with pytest.raises(BundleError, match="changed after sealing"):
        build(tmp_path / "bundle", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_bundle_for_no_known_kind_of_input_is_refused(tmp_path: Path) -> None:
    bundles.text_bundle(tmp_path / "bundle")
    folder = bundles.for_task(tmp_path / "bundle", "audio")
    with pytest.raises(BundleError, match="'audio', wanted one of image, tabular, text"):
        build(folder, tmp_path / "out")


def fake_npm(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.mkdir()
    (folder / "npm").write_text(f"#!{sys.executable}\n{script}\n")
    (folder / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_without_npm_it_is_told_where_to_put_the_runtime(
    tmp_path: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FetchError, match=f"(?s)npm is not installed.*{re.escape(str(empty_cache))}"):
        runtime.fetch()


def test_an_npm_that_fails_is_quoted(tmp_path: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_npm(tmp_path / "bin", "import sys; sys.exit('npm error code ENOTFOUND')", monkeypatch)
    with pytest.raises(FetchError, match="ENOTFOUND"):
        runtime.fetch()


def test_files_that_are_not_the_pinned_ones_are_not_kept(
    tmp_path: Path, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"{runtime.PROJECT}-{runtime.VERSION}.tgz"
    with tarfile.open(tmp_path / name, "w:gz") as tar:
        for file, content in RUNTIME.items():
            (tmp_path / file).write_bytes(content)
            tar.add(tmp_path / file, f"package/dist/{file}")
    copy = (
        f"import shutil, sys; shutil.copy({str(tmp_path / name)!r}, sys.argv[sys.argv.index('--pack-destination') + 1])"
    )
    fake_npm(tmp_path / "bin", copy, monkeypatch)
    with pytest.raises(FetchError, match="is not that of onnxruntime-web"):
        runtime.fetch()
    assert not list(empty_cache.rglob("*.wasm"))


def test_the_command_says_what_the_page_weighs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "fetch", lambda: RUNTIME)
    bundles.text_bundle(tmp_path / "bundle")
    done = CliRunner().invoke(app, ["web", str(tmp_path / "bundle"), "--out", str(tmp_path / "out"), "--api", API])
    assert done.exit_code == 0, done.output
    assert "model.onnx" in done.output and "first visit" in done.output and f"{API}/predict" in done.output


@pytest.mark.skipif(not shutil.which("node"), reason="Node.js is not installed")
def test_the_pages_modules_without_a_browser(text_site: site.Site) -> None:
    (text_site.folder / "package.json").write_text('{"type": "module"}')
    shutil.copy(HERE / "modules.test.mjs", text_site.folder)
    command = ["node", "--test", "--test-reporter=tap", "modules.test.mjs"]
    done = subprocess.run(command, cwd=text_site.folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
