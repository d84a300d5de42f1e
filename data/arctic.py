"""ARCTIC: two hands and tools, filmed from nine sides (Fan et al., 2023)."""

from __future__ import annotations

from data.formats.humandata import HumanData


class ARCTIC(HumanData):
    """See HumanData for what can be asked of it."""

    annotations = {"train": "p1_train.npz", "test": "p1_val.npz"}
    images = "ARCTIC"
    intervals = {"test": 10}
    source = "Register at https://arctic.is.tue.mpg.de; see dataset/README.md."
