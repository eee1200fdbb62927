"""Derives the optimised graph that the function opens instead of `model.onnx`: a step of the image's build.

    python3 -m handler.model.optimize FOLDER

FOLDER holds a sealed bundle. Its golden inputs are put to both graphs first: where a label differs, or a probability
by more than 1e-5, nothing is left in the folder and the exit status is 1. See `handler.model.optimized_graph`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from handler.bundle import contract, golden
from handler.errors import BundleError
from handler.modalities import register
from handler.modalities.modality import Record
from handler.model import optimized_graph
from handler.model.predictor import RUNTIME, Predictor, optimized

TOLERANCE = 1e-5


def optimize(folder: Path) -> None:
    """Write the derived graph of the sealed bundle in `folder`, and its record.

    Raises:
        BundleError: the bundle is not as it was sealed, has no golden inputs, or the two graphs answer differently.
    """
    for name in (contract.OPTIMIZED_MODEL, contract.OPTIMIZED_RECORD):
        (folder / name).unlink(missing_ok=True)
    manifest = contract.read(folder)
    sealed = Predictor(folder / contract.MODEL, manifest.serving, manifest.name, manifest.version)
    graph = optimized(folder / contract.MODEL, optimized_graph.LEVEL)
    swift = Predictor(graph, manifest.serving, manifest.name, manifest.version)
    inputs = [one.input for one in golden.read(folder)]
    # One by one: they need not fit one request.
    check(sealed, swift, [record for one in inputs for record in register.check([one], manifest.serving)])
    (folder / contract.OPTIMIZED_MODEL).write_bytes(graph)
    record = optimized_graph.record(graph, manifest.files[contract.MODEL], RUNTIME)
    (folder / contract.OPTIMIZED_RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def check(sealed: Predictor, swift: Predictor, inputs: Sequence[Record]) -> None:
    """Put the inputs to both, alone and together.

    Raises:
        BundleError: they do not answer alike.
    """
    most = sealed.serving.limits.max_inputs
    batches = [[one] for one in inputs] + [list(inputs[i : i + most]) for i in range(0, len(inputs), most)]
    for batch in batches:
        for one, other in zip(sealed.predict(batch), swift.predict(batch), strict=True):
            if wrong := golden.difference(asdict(other), asdict(one), TOLERANCE, TOLERANCE):
                raise BundleError(
                    f"The optimised graph answers a golden input otherwise than {contract.MODEL}: {wrong}. Use another "
                    f"ONNX Runtime, or leave this step out: {contract.MODEL} is served then."
                )


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
    sys.stderr.write(f"{folder / contract.OPTIMIZED_MODEL} answers every golden input as {contract.MODEL} does\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
