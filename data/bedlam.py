"""BEDLAM: synthetic people in simulated clothes (Black et al., 2023)."""

from __future__ import annotations

from data.formats.humandata import HumanData


class BEDLAM(HumanData):
    """See HumanData for what can be asked of it."""

    annotations = {"train": "bedlam_train.npz"}
    images = "BEDLAM"
    flat_hand = True  # its hands are given from a flat hand
    source = "Register at https://bedlam.is.tue.mpg.de; see dataset/README.md."
