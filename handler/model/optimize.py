"""Derives the optimised graph that the function opens instead of `model.onnx`: a step of the image's build.

    python3 -m handler.model.optimize FOLDER

FOLDER holds a sealed bundle. Its golden inputs are put to both graphs first: where a label differs, or a probability
by more than 1e-5, nothing is left in the folder and the exit status is 1. See `handler.model.optimized_graph`.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from handler.bundle import contract
from handler.errors import BundleError
from handler.model import optimized_graph
from handler.model.predictor import RUNTIME, Prediction, Predictor, Record, optimized

GOLDEN = "golden.jsonl"
TOLERANCE = 1e-5


def optimize(folder: Path) -> None:
    """Write the derived graph of the sealed bundle in `folder`, and its record.

    Raises:
        BundleError: the bundle is not as it was sealed, has no golden inputs, or the two graphs answer differently.
    """
    for name in (optimized_graph.MODEL, optimized_graph.RECORD):
        (folder / name).unlink(missing_ok=True)
    manifest = contract.read(folder)
    sealed = Predictor(folder / contract.MODEL, manifest.serving, manifest.name, manifest.version)
    graph = optimized(folder / contract.MODEL, optimized_graph.LEVEL)
    swift = Predictor(graph, manifest.serving, manifest.name, manifest.version)
    check(sealed, swift, _golden(folder))
    (folder / optimized_graph.MODEL).write_bytes(graph)
    record = optimized_graph.record(graph, manifest.files[contract.MODEL], RUNTIME)
    (folder / optimized_graph.RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def check(sealed: Predictor, swift: Predictor, inputs: Sequence[Record]) -> None:
    """Put the inputs to both, alone and together.

    Raises:
        BundleError: they do not answer alike.
    """
    most = sealed.serving.limits.max_inputs
    batches = [[one] for one in inputs] + [list(inputs[i : i + most]) for i in range(0, len(inputs), most)]
    for batch in batches:
        for one, other in zip(sealed.predict(batch), swift.predict(batch), strict=True):
            if one.label != other.label or not _close(_numbers(one), _numbers(other)):
                raise BundleError(
                    f"The optimised graph answers a golden input otherwise than {contract.MODEL}: {other} instead of "
                    f"{one}. Use another ONNX Runtime, or leave this step out: {contract.MODEL} is served then."
                )


def _golden(folder: Path) -> list[Record]:
    try:
        lines = (folder / GOLDEN).read_text(encoding="utf-8").splitlines()
        inputs: list[Record] = [json.loads(line)["input"] for line in lines]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BundleError(
            f"{folder / GOLDEN} cannot be read ({type(error).__name__}). Seal the bundle again."
        ) from None
    if not inputs:
        raise BundleError(f"{folder / GOLDEN} holds no inputs to compare the graphs by. Seal the bundle again.")
    return inputs


def _numbers(prediction: Prediction) -> list[float]:
    return [*prediction.scores.values(), prediction.novelty]


def _close(ones: Iterable[float], others: Iterable[float]) -> bool:
    """Within the tolerance; a number too large for the graph may be NaN in both."""
    pairs = zip(ones, others, strict=True)
    return all(abs(one - other) <= TOLERANCE or (math.isnan(one) and math.isnan(other)) for one, other in pairs)


def main(arguments: Sequence[str]) -> int:
    """Run the build step; the exit status is 0, 1 where the bundle is refused, or 2 for wrong arguments."""
    if len(arguments) != 1:
        sys.stderr.write("Usage: python3 -m handler.model.optimize FOLDER, the folder of a sealed bundle.\n")
        return 2
    folder = Path(arguments[0])
    try:
        optimize(folder)
    except BundleError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stderr.write(f"{folder / optimized_graph.MODEL} answers every golden input as {contract.MODEL} does\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
