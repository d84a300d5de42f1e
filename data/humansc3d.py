"""HumanSC3D: people who touch themselves, in a laboratory (Fieraru et al., 2021)."""

from __future__ import annotations

from data.formats.humandata import HumanData


class HumanSC3D(HumanData):
    """See HumanData for what can be asked of it."""

    annotations = {"train": tuple(f"HumanSC3D_train_230511_2752_{part}.npz" for part in range(3))}
    images = "HumanSC3D"
    image_size = (900, 900)
    source = "Register at https://sc3d.imar.ro; see dataset/README.md."
