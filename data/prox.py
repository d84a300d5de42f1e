"""PROX: people in scanned rooms (Hassan et al., 2019)."""

from __future__ import annotations

from data.formats.humandata import HumanData


class PROX(HumanData):
    """See HumanData for what can be asked of it."""

    annotations = {"train": "prox_train_smplx_new.npz"}
    images = "PROX"
    image_size = (1920, 1080)
    source = "Register at https://prox.is.tue.mpg.de; see dataset/README.md."
