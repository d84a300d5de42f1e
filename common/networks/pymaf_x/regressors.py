"""What PyMAF-X says of each part, and the layers that correct it from what was seen."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from common.utils.record import Record

HIDDEN = 1024
LENS = 4  # numbers that tell the body's regressor how the picture was taken: see `cameras.py`


@dataclass
class Numbers(Record):
    """The estimate of one part; turns in the 6D form, counted from the part's own root."""

    pose: (
        Tensor  # (B, J * 6): 24 joints of the body, its root the first, 15 of a hand, jaw and eyes of a face
    )
    root: Tensor  # (B, 6) how a hand or a head is turned in the camera's frame; (B, 0) of a body
    betas: Tensor  # (B, S)
    expression: Tensor  # (B, E) of a face, else (B, 0)
    camera: Tensor  # (B, 3) scale, x and y


class Hidden(nn.Module):
    """Two linear layers with nothing but dropout between (published)."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(inputs, HIDDEN), nn.Linear(HIDDEN, HIDDEN)
        self.dropout = nn.Dropout()

    def forward(self, *inputs: Tensor) -> Tensor:
        """(B, ...) each -> (B, 1024)."""
        return self.dropout(self.fc2(self.dropout(self.fc1(torch.cat(inputs, 1)))))


class BodyRegressor(nn.Module):
    """Corrects the body's pose, shape and camera."""

    def __init__(self, features: int, pose: int = 144, betas: int = 10) -> None:
        super().__init__()
        self.hidden = Hidden(features + pose + betas + 3 + LENS)
        self.pose, self.betas, self.camera = (_head(count) for count in (pose, betas, 3))

    def forward(self, features: Tensor, last: Numbers, lens: Tensor) -> tuple[Numbers, Tensor]:
        """(B, C), (B, 4) what is known of the lens -> the next estimate, and its source (B, 1024)."""
        hidden = self.hidden(features, last.pose, last.betas, last.camera, lens)
        numbers = replace(
            last,
            pose=last.pose + self.pose(hidden),
            betas=last.betas + self.betas(hidden),
            camera=last.camera + self.camera(hidden),
        )
        return numbers, hidden


class PartRegressor(nn.Module):
    """Corrects a hand or a face: first what moves in it, then its shape, how it is turned, and its camera."""

    def __init__(self, features: int, pose: int, betas: int, expression: int = 0, whole: bool = True) -> None:
        """`whole`: or the second step is left out, as of the first release's face."""
        super().__init__()
        self.hidden = Hidden(features + pose + expression)
        self.pose = _head(pose)
        self.expression = _head(expression) if expression else None
        if whole:
            self.fc3, self.dropout = nn.Linear(HIDDEN + betas + 6 + 3, HIDDEN), nn.Dropout()
            self.betas, self.root, self.camera = (_head(count) for count in (betas, 6, 3))
        self.whole = whole

    def forward(self, features: Tensor, last: Numbers) -> tuple[Numbers, Tensor]:
        """(B, C) -> the next estimate, and what the last of it was read off (B, 1024).

        Published: an expression is never corrected, each stage says it anew from zero.
        """
        hidden = self.hidden(features, last.pose, torch.zeros_like(last.expression))
        numbers = replace(last, pose=last.pose + self.pose(hidden))
        if self.expression is not None:
            numbers = replace(numbers, expression=self.expression(hidden))
        if not self.whole:
            return numbers, hidden
        hidden = self.dropout(self.fc3(torch.cat([hidden, last.betas, last.root, last.camera], 1)))
        numbers = replace(
            numbers,
            betas=last.betas + self.betas(hidden),
            root=last.root + self.root(hidden),
            camera=last.camera + self.camera(hidden),
        )
        return numbers, hidden


class Visibility(nn.Module):
    """Whether the hands are seen, from what was thought of body, left and right hand."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = Hidden(3 * HIDDEN)
        self.visible = _head(2)

    def forward(self, body: Tensor, left: Tensor, right: Tensor) -> Tensor:
        """(B, 1024) each -> (B, 2) left and right, 0 to 1 if taught so."""
        return self.visible(self.hidden(body, left, right))


def _head(outputs: int) -> nn.Linear:
    layer = nn.Linear(HIDDEN, outputs)
    nn.init.xavier_uniform_(layer.weight, gain=0.01)
    return layer
