"""How fast SMPL-X bodies are posed, beside the package smplx: rotations in, a mesh and 144 joints out.

The free body's pose corrections are sparse, the official file's are not; both are measured if both are here.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from common.body_models import files
from common.body_models.smplx import SMPLX
from common.geometry.rotation import matrix_from_axis_angle
from common.structures import BodyParams
from common.utils.timing import milliseconds

REPEATS = {1: 60, 32: 12}  # by the size of the batch


def measure() -> list[tuple[str, str]]:
    """Rows of (what, figure): one body, 32 bodies, and these with gradients."""
    sources = {"the free body": files.find("smplx", "neutral", free="only")}
    with contextlib.suppress(FileNotFoundError):
        sources["the official file"] = files.find("smplx", "neutral", free="never")
    return [
        (f"SMPL-X, {name}, {what}", figure)
        for name, source in sources.items()
        for what, figure in _figures(SMPLX(file=source.path), _reference(source.path))
    ]


def _figures(ours: nn.Module, theirs: nn.Module | None) -> Iterator[tuple[str, str]]:
    for count in REPEATS:
        params = _drawn(count)
        with torch.no_grad():
            figure = _beside(lambda: ours(params), theirs and (lambda: _posed(theirs, params)), count)  # noqa: B023
        yield f"{count} posed", figure
    params = _drawn(32).map(torch.Tensor.requires_grad_)
    backward = theirs and (lambda: _posed(theirs, params).vertices.sum().backward())
    yield "32 posed, with gradients", _beside(lambda: ours(params).vertices.sum().backward(), backward, 32)


def _drawn(count: int) -> BodyParams:
    """Random bodies: every joint turns."""
    dice = torch.Generator().manual_seed(0)
    pose = 0.3 * torch.randn(count, 55, 3, generator=dice)
    betas, expression = (torch.randn(count, 10, generator=dice) for _ in range(2))
    return BodyParams(matrix_from_axis_angle(pose), betas, expression)


def _beside(ours: Callable[[], object], theirs: Callable[[], object] | None, count: int) -> str:
    """Our time and, where the package is installed, theirs: measured in turns, the best of each."""
    turns = [[milliseconds(work, REPEATS[count]) for work in (ours, theirs) if work] for _ in range(3)]
    mine, *others = (min(taken) for taken in zip(*turns, strict=True))
    if not others:
        return f"{mine:.1f} ms (smplx is not installed)"
    return f"{mine:.1f} ms; smplx {others[0]:.1f} ms, {others[0] / mine:.1f} times as long"


def _reference(path: Path) -> nn.Module | None:
    """The same file in the package smplx, which prints as it loads."""
    try:
        import smplx
    except ImportError:
        return None
    with contextlib.redirect_stdout(io.StringIO()):
        return smplx.SMPLXLayer(str(path), use_face_contour=True, ext=path.suffix[1:])


def _posed(model: nn.Module, params: BodyParams) -> Any:
    root, body, jaw, left_eye, right_eye, left, right = params.rotations.split([1, 21, 1, 1, 1, 15, 15], 1)
    return model(
        global_orient=root, body_pose=body, jaw_pose=jaw, leye_pose=left_eye, reye_pose=right_eye,
        left_hand_pose=left, right_hand_pose=right, betas=params.betas, expression=params.expression,
    )  # fmt: skip
