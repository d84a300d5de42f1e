"""SMPLer: the first stage, the backbone and its first estimate, from an HRNet that knows key points."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from common.networks.smpler import SMPLer
from common.utils.paths import PRETRAINED
from config.smpler.smpler import experiment as base

# what makes the three finer maps of the last fusion, of which this stage only sees the coarsest
UNSEEN = tuple(f"backbone.stage4.2.fuse_layers.{scale}" for scale in range(3))

experiment = replace(
    base,
    name="smpler_backbone",
    model=partial(SMPLer, width=32, refinements=0, regressor="h36m_correct"),
    published={},
    learning_rates=dict.fromkeys(UNSEEN, 0.0),
    epochs=50,
    weights={"backbone": PRETRAINED / "pose_hrnet_w32_256x256.pth"},
)
