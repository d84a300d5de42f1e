"""OCHuman: people who hide one another (Zhang et al., 2019), SMPL fitted by EFT (Joo et al., 2021)."""

from __future__ import annotations

from data.formats.humandata import HumanData


class OCHuman(HumanData):
    """See HumanData for what can be asked of it."""

    annotations = {"train": "eft_ochuman.npz"}
    images = "OCHuman"
    source = "Get it from https://github.com/liruilong940607/OCHumanApi; see dataset/README.md."
