"""Pictures of the free body, drawn by tool/prepare/rendered_people.py: a small set that anyone can make."""

from __future__ import annotations

from pathlib import Path

from common.joints import SMPLX, SMPLX_144
from common.metrics.point_error import PointError
from common.metrics.points import Vertices
from common.utils.paths import DATASET
from data.formats.humandata import HumanData
from data.loading.dataset import Benchmark


class Rendered(HumanData):
    """One person a picture, in poses of motion capture, with everything known of it."""

    annotations = {"train": "rendered_people.npz"}
    images = "Rendered"
    source = "Make it: python -m tool.prepare.rendered_people; see dataset/README.md."


def benchmark(root: Path = DATASET) -> Benchmark:
    """The pictures that are trained on: what is left of the error there is what training has yet to learn."""
    return Benchmark(
        name="Rendered",
        dataset=Rendered(flawed="refuse", root=root),
        metrics=(
            PointError("mpvpe", Vertices()),
            PointError("pa_mpvpe", Vertices(), "procrustes"),
            *(
                PointError(f"mpvpe_{side}_hand", Vertices(f"{side}_hand", (f"{side}_wrist",)))
                for side in ("left", "right")
            ),
        ),
        joint_set=SMPLX_144,
        body=SMPLX,
    )
