"""One teacher of several fine-tuning runs: the mean of their weights, which costs a user no more than one of them.

After Wortsman et al. (2022), "Model soups: averaging weights of multiple fine-tuned models improves accuracy without
increasing inference time". Runs from one start, head included, end in one basin, so that their mean lies in it too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from distill import cache
from distill.progress import say


def mean(runs: Sequence[Path], accuracy: Callable[[Path], float], folder: Path, name: str) -> Path:
    """A file with the mean of the runs' weights, or with the best single run's where that is better.

    `runs`: files of parameters. `accuracy`: of a model with the parameters in a file, on validation rows. Kept in
    `folder`, by the caller's content hash.
    """
    fitted = folder / "fitted.safetensors"
    if cache.stored(fitted, load_file) is None:
        folder.mkdir(parents=True, exist_ok=True)
        unjudged = folder / "mean.safetensors"
        parts = [load_file(file) for file in runs]
        with cache.replacing(unjudged) as temporary:
            save_file({key: torch.stack([part[key] for part in parts]).mean(dim=0) for key in parts[0]}, temporary)
        candidates = [unjudged, *runs]
        together, *singles = map(accuracy, candidates)
        say(
            f"  {name}: validation accuracy of the mean of {len(runs)} runs {together:.3f}, "
            f"of each {', '.join(f'{single:.3f}' for single in singles)}"
        )
        best = max(range(len(candidates)), key=[together, *singles].__getitem__)  # the mean where they are level
        with cache.replacing(fitted) as temporary:
            save_file(load_file(candidates[best]), temporary)
        unjudged.unlink()
    return fitted
