"""SMPLer-L: the third stage of the larger network."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from common.networks.smpler import SMPLer
from common.utils.paths import PRETRAINED
from config.smpler.smpler_3dpw import experiment as base

experiment = replace(
    base,
    name="smpler_l_3dpw",
    model=partial(SMPLer, width=48, refinements=3, regressor="3dpw"),
    published={"PW3D/mpjpe": 73.7, "PW3D/pa_mpjpe": 43.4, "PW3D/mpvpe": 82.0},
    weights={"": PRETRAINED / "SMPLer-L_h36m.pt"},
)
