"""SynBody: synthetic people in layered clothes (Yang et al., 2023)."""

from __future__ import annotations

from data.formats.humandata import HumanData


class SynBody(HumanData):
    """See HumanData for what can be asked of it."""

    annotations = {"train": "synbody_train_230521_04000_fix_betas.npz"}
    images = "SynBody"
    image_size = (1280, 720)
    lens = (540.0, 540.0, 640.0, 360.0)
    source = "Get it from https://huggingface.co/datasets/caizhongang/SynBody; see dataset/README.md."
