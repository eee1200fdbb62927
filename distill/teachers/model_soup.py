"""One teacher of several fine-tuning runs: the mean of their weights, which costs a user no more than one of them.

After Wortsman et al. (2022), "Model soups: averaging weights of multiple fine-tuned models improves accuracy without
increasing inference time". Runs from one start, head included, end in one basin, so that their mean lies in it too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from distill import cache
from distill.data.rows import Rows
from distill.progress import say
from distill.teachers.encoder import EncoderModel


def mean(runs: Sequence[EncoderModel], validation: Rows, folder: Path, name: str) -> EncoderModel:
    """The mean of the runs' weights, or the best single run where that is better on validation rows.

    Kept in `folder`, by the caller's content hash.
    """
    fitted = folder / "fitted.safetensors"
    if cache.stored(fitted, load_file) is None:
        folder.mkdir(parents=True, exist_ok=True)
        unjudged = folder / "mean.safetensors"
        _average([run.fitted for run in runs], unjudged)
        candidates = [replace(runs[0], fitted=unjudged, _network=[]), *runs]
        together, *singles = (_accuracy(candidate, validation) for candidate in candidates)
        say(
            f"  {name}: validation accuracy of the mean of {len(runs)} runs {together:.3f}, "
            f"of each {', '.join(f'{single:.3f}' for single in singles)}"
        )
        best = max(range(len(candidates)), key=[together, *singles].__getitem__)  # the mean where they are level
        with cache.replacing(fitted) as temporary:
            save_file(load_file(candidates[best].fitted), temporary)
        unjudged.unlink()
    return replace(runs[0], fitted=fitted, _network=[])


def _average(files: Sequence[Path], path: Path) -> None:
    parts = [load_file(file) for file in files]
    with cache.replacing(path) as temporary:
        save_file({key: torch.stack([part[key] for part in parts]).mean(dim=0) for key in parts[0]}, temporary)


def _accuracy(model: EncoderModel, rows: Rows) -> float:
    return float((model.logits(rows).argmax(axis=1) == rows.labels).mean())
