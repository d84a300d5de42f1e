"""SSP-3D: sportspeople whose shapes were fitted to many frames at once (Sengupta et al., 2020)."""

from __future__ import annotations

from data.formats.humandata import HumanData


class SSP3D(HumanData):
    """The 311 persons as SMPLer-X trains on them."""

    annotations = {"train": "ssp3d_230525_311.npz"}
    images = "SSP3D"
    image_size = (512, 512)
    source = "Get it from https://github.com/akashsengupta1997/SSP-3D; see dataset/README.md."
