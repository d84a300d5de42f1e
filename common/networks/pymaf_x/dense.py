"""Maps that teach the encoders where on the surface of a body, a hand or a face each pixel lies."""

from __future__ import annotations

from torch import Tensor, nn

SURFACES = 25  # DensePose's 24, the background first
GROUPS = 15  # of them: left and right of a limb's two halves are one, and so on


class SurfaceMaps(nn.Module):
    """Which surface a pixel shows, which group of them, and where on it (Guler et al. 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.index, self.group = _map(channels, SURFACES), _map(channels, GROUPS)
        self.u, self.v = _map(channels, SURFACES), _map(channels, SURFACES)

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        """(B, C, h, w) -> logits of the surfaces (B, 25, h, w) and groups (B, 15, h, w), u and v on each."""
        return {
            "surface": self.index(features),
            "surface_group": self.group(features),
            "u": self.u(features),
            "v": self.v(features),
        }


class CoordinateMap(nn.Module):
    """Where on the resting hand or face a pixel lies: its coordinates, 0 to 1."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.coordinates = _map(channels, 3)

    def forward(self, features: Tensor) -> dict[str, Tensor]:
        """(B, C, h, w) -> (B, 3, h, w)."""
        return {"coordinates": self.coordinates(features)}


def _map(channels: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(channels, outputs, 3, padding=1)
