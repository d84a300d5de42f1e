"""EgoBody: two people indoors, seen by the one's headset and by cameras around (Zhang et al., 2022)."""

from __future__ import annotations

from data.formats.humandata import HumanData

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
