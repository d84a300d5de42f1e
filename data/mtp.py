"""MTP: people who mimic poses in which they touch themselves (Müller et al., 2021)."""

from __future__ import annotations

from data.formats.humandata import HumanData


class MTP(HumanData):
    """See HumanData for what can be asked of it."""

    annotations = {"train": "mtp_smplx_train.npz"}
    images = "MTP"
    source = "Register at https://tuch.is.tue.mpg.de; see dataset/README.md."
