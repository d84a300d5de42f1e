"""MuCo-3DHP: people of MPI-INF-3DHP pasted together (Mehta et al., 2018)."""

from __future__ import annotations

from data.formats.humandata import HumanData


class MuCo(HumanData):
    """See HumanData for what can be asked of it."""

    annotations = {"train": "muco3dhp_train.npz"}
    images = "MuCo"
    image_size = (1024, 1024)
    source = "Get it from https://vcai.mpi-inf.mpg.de/projects/SingleShotMultiPerson; see dataset/README.md."
