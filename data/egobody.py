"""EgoBody: two people indoors, seen by the one's headset and by cameras around (Zhang et al., 2022)."""

from __future__ import annotations

from functools import partial
from typing import Literal

from common.joints import SMPLX, SMPLX_144
from common.metrics.whole_body import joint_errors, mesh_errors
from common.utils.errors import UserError
from data.formats.humandata import HumanData
from data.loading.dataset import Benchmark
from data.on_device.posed_targets import PosedTargets

SOURCE = "Register at https://sanweiliti.github.io/egobody/egobody.html; see dataset/README.md."


class EgoBodyEgocentric(HumanData):
    """The partner as the headset sees them, often cut by the picture's rim."""

    annotations = {
        "train": "egobody_egocentric_train_230425_065_fix_betas.npz",
        "test": "egobody_egocentric_test_230425_043_fix_betas.npz",
    }
    images = "EgoBody"
    image_size = (1920, 1080)
    source = SOURCE


class EgoBodyKinect(HumanData):
    """Both people as the cameras around them see them."""

    annotations = {
        "train": "egobody_kinect_train_230503_065_fix_betas.npz",
        "test": "egobody_kinect_test_230503_043_fix_betas.npz",
    }
    images = "EgoBody"
    image_size = (1920, 1080)
    source = SOURCE


def benchmark(view: Literal["egocentric", "kinect"] = "egocentric", as_published: bool = False) -> Benchmark:
    """Meshes, hands, faces and joints against the neutral bodies of the fits.

    Shapes with a coefficient beyond 3 are failed fits: the mean shape is the truth then (published).
    `as_published` reads the data set as HumanData says.
    """
    kinds = {"egocentric": EgoBodyEgocentric, "kinect": EgoBodyKinect}
    if view not in kinds:
        raise UserError(f"EgoBody is seen egocentric or by kinect, not by '{view}'.")
    return Benchmark(
        name=f"EgoBody_{view.capitalize()}",
        dataset=kinds[view]("test", as_published=as_published),
        metrics=(*mesh_errors(), *joint_errors()),
        joint_set=SMPLX_144,
        body=SMPLX,
        prepare=partial(PosedTargets, largest_beta=3.0),
    )
