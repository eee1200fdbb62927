"""Students that read S x S pixels: the first blocks of a pretrained network, or separable convolutions from nothing.

Both end alike: features are pooled in a pyramid (Lazebnik et al., 2006; He et al., 2014), that is in the whole picture
and in parts of it, so that a linear layer still sees where something is.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.utils import fusion

from distill.modalities.image.prelude import PicturePrelude
from distill.modalities.modality import NetworkInput
from distill.modalities.prelude import FEATURES
from distill.recipe.schema import Student
from distill.teachers import lite0

BLOCKS = 7  # of EfficientNet-Lite0's sixteen, where the recipe does not say
# Edges and colours are the same everywhere, and are a quarter of the work of training: frozen, clothing lost nothing.
_FROZEN = 2
WIDTH, LAYERS = 64, 5  # of separable convolutions: channels of the last, and how many
_PYRAMID = (1, 2, 3)  # parts a side
_MOST_CELLS = 200_000  # weights of the last layer, beyond which the finest part of the pyramid is left out
_SMALL = 64  # pixels a side, up to which the first convolution leaves the picture its size


class PictureStudent(nn.Module):
    """Scaled pixels [N,3,S,S] -> logits [N,K] and a description [N,D] for novelty: mean and spread of each feature."""

    cells: Tensor

    def __init__(self, trunk: nn.Module, channels: int, size: int, classes: int, dropout: float) -> None:
        """`trunk`: pixels -> features [N,`channels`,h,w]. `size`: S."""
        super().__init__()
        self.trunk = trunk
        with torch.no_grad():
            height, width = trunk.eval()(torch.zeros(1, 3, size, size)).shape[-2:]
        self.register_buffer("cells", _cells(height, width, _levels(min(height, width), channels, classes)))
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(channels * self.cells.shape[1], classes)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        found = self.trunk(pixels).flatten(2)
        pooled = torch.matmul(found, self.cells)
        mean = pooled[:, :, 0]
        spread = torch.sqrt(torch.relu((found * found).mean(dim=2) - mean * mean) + 1e-6)
        return self.head(self.dropout(pooled.flatten(1))), torch.cat([mean, spread], dim=1)


class SeparableTrunk(nn.Module):
    """A convolution, then blocks of one that looks at each channel alone and one that mixes them."""

    def __init__(self, width: int, layers: int, size: int) -> None:
        """`width`: channels of the last block; the first half of the blocks has half of them."""
        super().__init__()
        early = max(8, width // 2)
        self.stem = lite0.Convolution(3, early, 3, 1 if size <= _SMALL else 2)
        blocks: list[nn.Module] = []
        channels = early
        halvings = {0, layers // 2} if size <= _SMALL else {0, layers // 3, 2 * layers // 3}
        for place in range(layers):
            made = early if place < layers // 2 else width
            blocks.append(SeparableBlock(channels, made, 2 if place in halvings else 1))
            channels = made
        self.blocks = nn.Sequential(*blocks)
        self.channels = channels

    def forward(self, pixels: Tensor) -> Tensor:
        """Scaled pixels [N,3,S,S] -> features [N,width,h,w]."""
        found: Tensor = self.blocks(self.stem(pixels))
        return found


class SeparableBlock(nn.Module):
    """Depthwise, then pointwise (Howard et al., 2017, "MobileNets"); what came in is added where the shape stays."""

    def __init__(self, read: int, made: int, stride: int) -> None:
        """`read` and `made`: channels."""
        super().__init__()
        self.depthwise = lite0.Convolution(read, read, 3, stride, groups=read)
        self.pointwise = lite0.Convolution(read, made, 1)
        self.adds = stride == 1 and read == made

    def forward(self, pixels: Tensor) -> Tensor:
        """[N,read,h,w] -> [N,made,h/stride,w/stride]."""
        found: Tensor = self.pointwise(self.depthwise(pixels))
        return pixels + found if self.adds else found


def first_blocks(config: Student, prelude: PicturePrelude, classes: int, start: object) -> PictureStudent:
    """The first blocks of EfficientNet-Lite0, as ImageNet left them, and a fresh last layer.

    Raises:
        FetchError: its weights are not installed.
    """
    trunk = lite0.Trunk(config.blocks or BLOCKS)
    known = lite0.pretrained().trunk.state_dict()
    trunk.load_state_dict({name: known[name] for name in trunk.state_dict()})
    trunk.freeze(min(_FROZEN, len(trunk.blocks) - 1))
    return PictureStudent(trunk, trunk.channels, prelude.width, classes, config.dropout)


def separable(config: Student, prelude: PicturePrelude, classes: int, start: object) -> PictureStudent:
    """Separable convolutions that start from nothing."""
    trunk = SeparableTrunk(config.width or WIDTH, config.layers or LAYERS, prelude.width)
    return PictureStudent(trunk, trunk.channels, prelude.width, classes, config.dropout)


def folded(network: nn.Module) -> nn.Module:
    """The network with each batch norm folded into the convolution before it: the same answers, and fewer numbers."""
    made = copy.deepcopy(network).eval()
    for part in made.modules():
        if isinstance(part, lite0.Convolution):
            part.convolution = fusion.fuse_conv_bn_eval(part.convolution, part.norm)
            part.norm = nn.Identity()  # type: ignore[assignment]
    return made


def network_inputs(prelude: PicturePrelude) -> Mapping[str, NetworkInput]:
    """The one input of either student, as the export sees it."""
    return {FEATURES: NetworkInput(torch.zeros((2, 3, prelude.width, prelude.width)), {0: "rows"})}


def _levels(side: int, channels: int, classes: int) -> tuple[int, ...]:
    """Parts a side of each level of the pyramid: as fine as features are, and as the last layer has room for."""
    levels = [parts for parts in _PYRAMID if parts <= side]
    while len(levels) > 1 and channels * classes * sum(parts**2 for parts in levels) > _MOST_CELLS:
        levels.pop()
    return tuple(levels)


def _cells(height: int, width: int, levels: tuple[int, ...]) -> Tensor:
    """The share of each of height x width places in each part [h*w, parts]: a matrix, as sides may not be divisible."""

    def along(side: int, parts: int) -> Tensor:
        edges = torch.arange(parts + 1) * side / parts
        begins = torch.arange(side)[:, None]
        covered = torch.minimum(edges[None, 1:], begins + 1) - torch.maximum(edges[None, :-1], begins)
        return covered.clamp(min=0) * parts / side

    parts = [torch.einsum("ya,xb->yxab", along(height, it), along(width, it)).flatten(2).flatten(0, 1) for it in levels]
    return torch.cat(parts, dim=1)
