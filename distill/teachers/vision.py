"""EfficientNet-Lite0, or somebody's own graph, as teacher for pictures: frozen with a head, or tuned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sklearn.preprocessing import StandardScaler

from distill import cache
from distill.data.rows import Dataset, Rows
from distill.errors import RecipeError
from distill.recipe.schema import Teacher as Config
from distill.teachers import linear, lite0, scikit_learn, vision_finetune
from distill.teachers.picture_features import Network, PictureFeatures, lite0_network, own_network
from distill.teachers.teacher import Model, Unfitted

_STRENGTHS = (0.003, 0.01, 0.03, 0.1)  # scikit-learn's C, of 1,280 features on one scale
_SECONDS = 0.009  # that a picture takes, decoded, resized and described
_ANSWERS = 11  # a training row: itself and ten views of it


def prepare(config: Config, dataset: Dataset, seed: int, base: Path) -> Unfitted:
    """A logistic regression on a frozen network's features, or Lite0 tuned, on labelled rows.

    Raises:
        FetchError: Lite0's weights are not installed.
        RecipeError: `teacher.model` is no graph that reads pictures, or one that is to be tuned.
    """
    own = "model" in config.model_fields_set
    if config.mode == "finetune":
        if own:
            raise RecipeError(
                'teacher.mode "finetune" tunes EfficientNet-Lite0, and teacher.model names a graph, which stays as it '
                'is. Set teacher.mode to "frozen", or take teacher.model out.'
            )
        return _tuned(config, dataset, seed)
    network = own_network(_found(config.model, base), config.size) if own else lite0_network(config.size)
    return _frozen(network, dataset, own)


def _frozen(network: Network, dataset: Dataset, own: bool) -> Unfitted:
    features = PictureFeatures(network, (dataset.train, dataset.validation, dataset.test))

    def fit(rows: Rows, setting: scikit_learn.Setting) -> scikit_learn.ScikitLearnModel:
        pipeline = linear.fitted(StandardScaler(), float(str(setting["C"])), features(rows), rows.labels)
        return scikit_learn.ScikitLearnModel(pipeline, features, len(dataset.labels), setting)

    name = "a network of the user's own" if own else "EfficientNet-Lite0"
    description = f"{name}, frozen, at {network.size} pixels + logistic regression"
    seconds = _SECONDS * (_ANSWERS * len(dataset.train) + len(dataset.validation) + len(dataset.test))
    made = scikit_learn.unfitted(description, __name__, dataset, [{"C": it} for it in _STRENGTHS], fit, seconds=seconds)
    return replace(
        made,
        licence="as its owner states" if own else lite0.LICENCE,
        weights_sha256=cache.digest(network.content) if own else lite0.WEIGHTS_SHA256,
        versions={**made.versions, **cache.versions("onnxruntime", "pillow")},
        identity=(*made.identity, cache.digest(network.content), str(network.size)),
    )


def _tuned(config: Config, dataset: Dataset, seed: int) -> Unfitted:
    settings = vision_finetune.Settings.of(config)

    def fit(rows: Rows, part: str, folder_of: Callable[[str], Path], name: str) -> Model:
        folder = folder_of(part)
        return vision_finetune.fit(settings, rows, dataset.validation, len(dataset.labels), seed, folder, name)

    return Unfitted(
        description=f"EfficientNet-Lite0, tuned at {settings.size} pixels",
        licence=lite0.LICENCE,
        weights_sha256=lite0.WEIGHTS_SHA256,
        versions=cache.versions("torch", "onnxruntime", "pillow"),
        identity=(cache.code(__name__, vision_finetune.__name__), str(settings)),
        fit=fit,
        file=lambda folder: folder / vision_finetune.FILE,
    )


def _found(model: str, base: Path) -> Path:
    """A path beside the recipe, or else in the working directory."""
    beside = base / model
    return beside if beside.is_file() else Path(model)
