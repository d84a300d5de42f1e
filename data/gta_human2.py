"""GTA-Human II: people of a computer game (Cai et al., 2021)."""

from __future__ import annotations

from data.formats.humandata import HumanData


class GTAHuman2(HumanData):
    """See HumanData for what can be asked of it."""

    annotations = {"train": "gta_human2multiple_230406_04000_0.npz"}
    images = "GTA_Human2"
    image_size = (1920, 1080)
    lens = (1158.0337, 1158.0337, 960.0, 540.0)
    source = "Get it from https://github.com/MotrixLab/SMPLer-X; see dataset/README.md."
