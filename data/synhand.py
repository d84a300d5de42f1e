"""SynHand: synthetic people whose hands are close to the camera (Yin et al., 2025)."""

from __future__ import annotations

from data.formats.humandata import HumanData


class SynHand(HumanData):
    """See HumanData for what can be asked of it; `file` names another of its files."""

    annotations = {"train": "synhand_train.npz", "test": "synhand_test.npz"}
    images = "SynHand"
    flat_hand = True  # its hands are given from a flat hand
    source = "Get it from https://github.com/MotrixLab/SMPLest-X; see dataset/README.md."
