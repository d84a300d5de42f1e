"""CHI3D: pairs of people in contact, in a laboratory (Fieraru et al., 2020)."""

from __future__ import annotations

from data.formats.humandata import HumanData


class CHI3D(HumanData):
    """See HumanData for what can be asked of it."""

    annotations = {"train": tuple(f"CHI3D_train_230511_1492_{part}.npz" for part in range(2))}
    images = ""  # the paths in its files begin with CHI3D
    image_size = (900, 900)
    source = "Register at https://ci3d.imar.ro; see dataset/README.md."
