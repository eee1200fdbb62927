"""The shape of the code, seen from its syntax trees: who may import whom, and who may hold state."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("distill", "handler", "infra")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
# Rooms from top to bottom: imports run down the list, never up. The ground knows nothing of the rest.
ROOMS = {
    "distill": (
        ("__main__",), ("commands",), ("experiments",), ("pipeline",), ("web",), ("packaging",), ("reporting",),
        ("audit",), ("evaluation",), ("graph",), ("training",), ("modalities",), ("teachers",), ("data",), ("recipe",),
        ("runtime",), ("privacy", "cache", "progress", "errors"),
    ),
    "handler": (("app",), ("api",), ("http",), ("model",), ("modalities",), ("bundle",), ("environment", "errors")),
    "infra": (
        ("__main__",), ("commands",), ("local",), ("release",), ("registry",), ("template",), ("image",),
        ("signing",), ("cost", "aws"), ("console",), ("processes",), ("errors",),
    ),
}  # fmt: skip
# What is particular to a kind of input lives here, and nowhere else is it asked which kind it is.
REGISTERS = ("distill.modalities", "handler.modalities")
MODALITY_NAMES = {"text", "tabular", "image"}
ROOT_MODULE = "handler.app"  # the only one with state
# Calls whose result nothing changes afterwards, so that a module may make one when it is imported
# (a console is standard error by another name; typer's commands are registered by decorators, once).
FROZEN_CALLS = {
    "MappingProxyType", "frozenset", "tuple", "TypeVar", "Path", "re.compile", "regex.compile", "len", "sorted", "int",
    "float", "str", "ord", "chr", "min", "max", "round", "NewType", "os.environ.get", "bytes", "range", "struct.Struct",
    "json.JSONDecoder", "namedtuple", "Console", "Reporter", "typer.Typer",
}  # fmt: skip
# Programs that run in an environment of their own, and the libraries that each finds there beside numpy.
PEERS_PACKAGE = "distill.experiments.peers"
LAUNCH, EXCHANGE = f"{PEERS_PACKAGE}.launch", f"{PEERS_PACKAGE}.exchange"
PEERS = [path for path in MODULES if path.parent.name == "peers" and path.stem != "launch"]
PEER_LIBRARIES = {
    "fasttext_peer": {"fasttext"},
    "minilm_int8_peer": {"torch", "transformers", "tokenizers", "onnx", "onnxruntime"},
    "model2vec_peer": {"model2vec"},
    "tfidf_peer": {"sklearn"},
    "lightgbm_peer": {"lightgbm", "onnxmltools", f"{PEERS_PACKAGE}.columns"},
    "catboost_peer": {"catboost", f"{PEERS_PACKAGE}.columns"},
    "columns": {"onnxruntime"},
}
MUTABLE = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[str]:
    """Every module that is imported anywhere in the file, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)} imports relatively"
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def within(module: str, packages: set[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


every_module = pytest.mark.parametrize("path", MODULES, ids=name_of)


@every_module
def test_arrows_run_from_distill_and_infra_to_handler_alone(path: Path) -> None:
    forbidden = {"distill": {"infra"}, "infra": {"distill"}, "handler": {"distill", "infra"}}
    package = name_of(path).split(".")[0]
    assert [module for module in imports(path) if within(module, forbidden[package] | {"tests"})] == []


@every_module
def test_only_distill_may_import_torch(path: Path) -> None:
    if not name_of(path).startswith("distill"):
        assert [module for module in imports(path) if within(module, {"torch", "transformers", "sklearn"})] == []


@pytest.mark.parametrize("path", [path for path in MODULES if name_of(path).split(".")[0] == "handler"], ids=name_of)
def test_the_handler_imports_its_base_install_and_the_standard_library_alone(path: Path) -> None:
    allowed = {"handler", "numpy", "onnxruntime", "aws_lambda_powertools", *sys.stdlib_module_names}
    if name_of(path) == "handler.modalities.pictures":  # when the first picture comes, in the images of such models
        allowed |= {"PIL", "simplejpeg"}
    assert [module for module in imports(path) if not within(module, allowed)] == []
    heavy = {f"aws_lambda_powertools.{part}" for part in ("event_handler", "tracing", "Tracer", "utilities")}
    assert [module for module in imports(path) if within(module, heavy | {"asyncio"})] == []


@pytest.mark.parametrize("path", [path for path in MODULES if name_of(path).split(".")[0] == "handler"], ids=name_of)
def test_the_contract_stands_below_everything_that_reads_it(path: Path) -> None:
    below = {
        "handler.bundle.contract": {"handler.bundle.abstention", "handler.bundle.costs", "handler.errors"},
        "handler.bundle.abstention": set(),
        "handler.bundle.costs": set(),
        "handler.errors": set(),
        "handler": set(),
    }
    if name_of(path) in below:
        ours = {module for module in imports(path) if within(module, {"handler"})}
        assert all(within(module, below[name_of(path)]) for module in ours)


def floor_of(module: str) -> int | None:
    """How far down the room of a module lies; None of what is in no room."""
    package, _, rest = module.partition(".")
    room = rest.split(".")[0]
    return next((floor for floor, rooms in enumerate(ROOMS[package]) if room in rooms), None)


def imports_up(module: str, imported: Iterable[str]) -> list[str]:
    """Of the modules that a module imports, those of its own package in a room above its own or beside it."""
    package, room = module.split(".")[0], ".".join(module.split(".")[:2])
    others = [name for name in imported if within(name, {package}) and name != package and not within(name, {room})]
    here = floor_of(module)
    return [name for name in others if here is None or (floor := floor_of(name)) is None or floor <= here]


@every_module
def test_imports_run_down_the_rooms(path: Path) -> None:
    if path.name != "__init__.py":
        assert floor_of(name_of(path)) is not None, f"{name_of(path)} is in no room"
        assert imports_up(name_of(path), imports(path)) == []


def test_an_import_that_runs_up_is_found() -> None:
    assert imports_up("distill.training.train", ["distill.graph.export", "distill.data.rows", "handler.app"]) == [
        "distill.graph.export"
    ]
    assert imports_up("handler.bundle.contract", ["handler.model.predictor"]) == ["handler.model.predictor"]
    assert imports_up("distill.nowhere", ["distill.cache"]) == ["distill.cache"]


def compares_a_modality(node: ast.AST) -> bool:
    """Whether code asks which kind of input it has before it."""
    if not isinstance(node, ast.Compare):
        return False
    operands = (node.left, *node.comparators)
    parts = [part for operand in operands for part in ast.walk(operand)]
    named = {part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)}
    asked = {operand.attr for operand in operands if isinstance(operand, ast.Attribute)}
    return bool(named & MODALITY_NAMES or asked & {"task", "modality"})


@every_module
def test_only_the_registers_know_one_kind_of_input_from_another(path: Path) -> None:
    if not within(name_of(path), set(REGISTERS)):
        found = [node for node in ast.walk(ast.parse(path.read_text())) if compares_a_modality(node)]
        assert [f"line {node.lineno}: {ast.unparse(node)}" for node in found] == []


def test_a_branch_on_the_kind_of_input_is_found() -> None:
    asked = ('serving.task == "text"', "rows.task in known", 'kind != "tabular"', 'task in ("text", "x")')
    assert all(any(map(compares_a_modality, ast.walk(ast.parse(code)))) for code in asked)
    assert not any(map(compares_a_modality, ast.walk(ast.parse('column.kind == "number"'))))


def test_page_and_templates_ask_for_the_kind_of_input_in_their_register_alone() -> None:
    folders = (ROOT / "distill" / "web" / "page", ROOT / "distill" / "reporting" / "templates")
    scripts = [path for folder in folders for path in folder.iterdir() if path.suffix in (".js", ".j2")]
    assert scripts
    assert [path.name for path in scripts if re.search(r"task\s*(===?|!==?)|typeof input", path.read_text())] == []


@pytest.mark.parametrize("path", PEERS, ids=name_of)
def test_a_peers_program_needs_nothing_that_its_environment_lacks(path: Path) -> None:
    allowed = {"numpy", *sys.stdlib_module_names, *PEER_LIBRARIES.get(path.stem, set()), EXCHANGE}
    assert [module for module in imports(path) if not within(module, allowed) and module != PEERS_PACKAGE] == []


@every_module
def test_the_peers_are_known_by_their_files_and_their_launcher_alone(path: Path) -> None:
    if path not in PEERS:
        known = {LAUNCH, EXCHANGE}
        found = {module for module in imports(path) if within(module, {PEERS_PACKAGE})} - {PEERS_PACKAGE}
        assert [module for module in found if not within(module, known)] == []


@every_module
def test_a_package_file_is_a_docstring(path: Path) -> None:
    if path.name == "__init__.py":
        body = ast.parse(path.read_text()).body
        assert len(body) == 1 and isinstance(body[0], ast.Expr)


@every_module
def test_only_the_composition_root_holds_state(path: Path) -> None:
    tree = ast.parse(path.read_text())
    found = [f"line {node.lineno}: global" for node in ast.walk(tree) if isinstance(node, ast.Global)]
    if name_of(path) != ROOT_MODULE:
        for node in tree.body:
            if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names = [target.id for target in targets if isinstance(target, ast.Name)]
                if not all(is_constant(name, node.value) for name in names):
                    found.append(f"line {node.lineno}: {', '.join(names)}")
    assert found == [], f"{name_of(path)} holds module-level state"


def is_constant(name: str, value: ast.expr) -> bool:
    """A type alias, an UPPER_CASE literal that by convention nobody changes, or a call known to give a frozen thing."""
    constant_name = name.strip("_").isupper()
    if isinstance(value, MUTABLE):
        return constant_name
    if isinstance(value, ast.Call):
        return ast.unparse(value.func).split("[")[0] in FROZEN_CALLS or constant_name
    return True


@every_module
def test_nothing_prints(path: Path) -> None:
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    assert [call.lineno for call in calls if isinstance(call.func, ast.Name) and call.func.id == "print"] == []


@every_module
def test_a_module_is_well_under_400_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) < 400


@every_module
def test_no_module_is_named_for_nothing(path: Path) -> None:
    assert path.stem not in {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}
