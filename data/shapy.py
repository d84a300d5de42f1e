"""SHAPY's HBW: people whose measured bodies are known, in photographs (Choutas et al., 2022)."""

from __future__ import annotations

from data.formats.humandata import HumanData


class SHAPY(HumanData):
    """Pictures and boxes; the true shapes lie in files of their own."""

    annotations = {"val": "shapy_val_230512_705.npz", "test": "shapy_test_230512_1631.npz"}
    images = "SHAPY"
    source = "Register at https://shapy.is.tue.mpg.de; see dataset/README.md."
