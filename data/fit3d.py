"""Fit3D: people who exercise, in a laboratory (Fieraru et al., 2021)."""

from __future__ import annotations

from data.formats.humandata import HumanData


class FIT3D(HumanData):
    """See HumanData for what can be asked of it."""

    annotations = {"train": tuple(f"FIT3D_train_230511_1504_{part}.npz" for part in range(6))}
    images = "FIT3D"
    image_size = (900, 900)
    source = "Register at https://fit3d.imar.ro; see dataset/README.md."
