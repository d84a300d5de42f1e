"""SMPLer-L: the second stage of the larger network."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from common.networks.smpler import SMPLer
from common.utils.paths import PRETRAINED
from config.smpler.smpler import experiment as base

experiment = replace(
    base,
    name="smpler_l",
    model=partial(SMPLer, width=48, refinements=3, regressor="h36m_correct"),
    published={"Human36M/mpjpe": 45.2, "Human36M/pa_mpjpe": 32.4},
    weights=dict.fromkeys(("backbone", "first"), PRETRAINED / "smpler_l_backbone.pt"),
)
