"""SMPLer-L: the first stage of the larger network."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from common.networks.smpler import SMPLer
from common.utils.paths import PRETRAINED
from config.smpler.smpler_backbone import experiment as base

experiment = replace(
    base,
    name="smpler_l_backbone",
    model=partial(SMPLer, width=48, refinements=0, regressor="h36m_correct"),
    weights={"backbone": PRETRAINED / "pose_hrnet_w48_256x192.pth"},
)
