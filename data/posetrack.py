"""PoseTrack: frames of videos (Andriluka et al., 2018), SMPL fitted by EFT (Joo et al., 2021)."""

from __future__ import annotations

from data.formats.humandata import HumanData


class PoseTrack(HumanData):
    """See HumanData for what can be asked of it."""

    annotations = {"train": "eft_posetrack.npz"}
    images = "PoseTrack/data/images"
    source = "Register at https://posetrack.net; see dataset/README.md."
