"""What goes into the image, as far as it shows without Docker."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[3]


def pins(path: Path) -> dict[str, str]:
    """Package to version, the package's name as pip normalises it."""
    lines = (line.partition("#")[0].strip() for line in path.read_text().splitlines())
    pairs = (line.split("==") for line in lines if line)
    return {name.lower().replace("_", "-"): version for name, version in pairs}


def test_the_image_installs_the_versions_that_are_tested() -> None:
    tested = pins(ROOT / "constraints.txt")
    for path in (ROOT / "infra").glob("constraints-image*.txt"):
        for name, version in pins(path).items():
            assert tested[name] == version, name


def test_the_image_installs_neither_boto3_nor_anything_to_train_with() -> None:
    heavy = {"boto3", "botocore", "torch", "transformers", "pydantic", "scikit-learn", "pandas", "aws-xray-sdk"}
    assert not heavy & pins(ROOT / "infra" / "constraints-image.txt").keys()


def test_the_decoders_of_pictures_are_installed_for_pictures_alone() -> None:
    decoders = {"pillow", "simplejpeg"}
    assert pins(ROOT / "infra" / "constraints-image-image.txt").keys() == decoders
    assert not decoders & pins(ROOT / "infra" / "constraints-image.txt").keys()


def test_torch_is_pinned_without_a_local_version() -> None:
    assert pins(ROOT / "constraints.txt")["torch"] == "2.13.0"


def test_the_docker_context_is_an_allow_list() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    assert all(line.startswith("!") for line in lines[1:] if line != "handler/**/__pycache__")
    assert "!handler" in lines  # SAM's Docker client looks into no folder for `!handler/**/*.py`
    assert not any(line.startswith(("!.venv", "!bundles", "!.git", "!.aws")) for line in lines)
