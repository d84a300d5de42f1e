"""UP-3D: photographs whose SMPL fits people judged (Lassner et al., 2017)."""

from __future__ import annotations

from data.formats.humandata import HumanData


class UP3D(HumanData):
    """See HumanData for what can be asked of it."""

    annotations = {"train": "up3d_trainval.npz"}
    images = "UP3D"
    source = "Get it from https://files.is.tuebingen.mpg.de/classner/up; see dataset/README.md."
