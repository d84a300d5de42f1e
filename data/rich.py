"""RICH: people in contact with scanned scenes, in and out of doors (Huang et al., 2022)."""

from __future__ import annotations

from data.formats.humandata import HumanData


class RICH(HumanData):
    """See HumanData for what can be asked of it."""

    annotations = {"train": "rich_train_fix_betas.npz"}
    images = "RICH"
    source = "Register at https://rich.is.tue.mpg.de; see dataset/README.md."
