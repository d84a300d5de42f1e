"""BEHAVE: people who carry and move things (Bhatnagar et al., 2022)."""

from __future__ import annotations

from data.formats.humandata import HumanData


class Behave(HumanData):
    """See HumanData for what can be asked of it."""

    annotations = {
        "train": "behave_train_230516_231_downsampled.npz",
        "test": "behave_test_230516_090_downsampled.npz",
    }
    images = "Behave"
    image_size = (2048, 1536)
    source = "Get it from https://virtualhumans.mpi-inf.mpg.de/behave; see dataset/README.md."
