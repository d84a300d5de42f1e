"""Features of a part: cut out of finer maps than the encoder's."""

from __future__ import annotations

from torch import Tensor, nn

from common.networks.layers.linear import Pointwise
from common.networks.layers.sampling import in_boxes
from common.networks.layers.upsampling import Upsampling


class PartFeatures(nn.Module):
    """One map, four times as fine as the encoder's, cut into boxes."""

    def __init__(self, width: int, size: int) -> None:
        """`size`: cells each way of what is cut out."""
        super().__init__()
        self.size = size
        self.deconv = Upsampling(width, width // 2, width // 4)
        self.conv = Pointwise(width // 4, width)

    def forward(self, features: Tensor, boxes: Tensor) -> Tensor:
        """(B, C, H, W), boxes (B, N, 4) in its cells -> (N * B, C, size, size), all first boxes first."""
        return self.conv(in_boxes(self.deconv(features), boxes * 4, self.size))


class PyramidFeatures(nn.Module):
    """Three maps, as fine as the encoder's, twice and four times as fine, each made of it anew."""

    def __init__(self, width: int, size: int) -> None:
        """`size`: cells each way of what is cut out of the coarsest map."""
        super().__init__()
        self.channels = (width // 4, width // 2, width)
        self.sizes = (4 * size, 2 * size, size)
        self.deconv = nn.ModuleList(
            [
                nn.Sequential(Pointwise(width, width)),
                Upsampling(width, width // 2),
                Upsampling(width, width // 2, width // 4),
            ]
        )

    def forward(self, features: Tensor, boxes: Tensor) -> list[Tensor]:
        """As above, but three maps: (N * B, channels[i], sizes[i], sizes[i]), the finest first."""
        levels = zip((4, 2, 1), self.sizes, reversed(self.deconv), strict=True)
        return [in_boxes(finer(features), boxes * scale, size) for scale, size, finer in levels]
