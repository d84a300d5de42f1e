"""PyMAF-X's hands alone, MANO's right one, left hands in a mirror; measured on FreiHAND."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from common.losses.objective import WeightedSum
from common.networks.pymaf_x.pymaf_x import PyMAFX
from config.pymaf_x.pymaf_x import RESNET
from config.pymaf_x.pymaf_x import experiment as base
from config.pymaf_x.terms import HAND
from data import freihand
from data.on_device.posed_targets import PosedTargets
from data.whole_body_mix import inter_freihand_itw

experiment = replace(
    base,
    name="pymaf_x_hand",
    model=partial(PyMAFX, parts=("hand",)),
    objective=partial(WeightedSum, terms=HAND),
    train=inter_freihand_itw(),
    test=(freihand.benchmark(),),
    prepare=PosedTargets,
    augment=replace(base.augment, parts_from_body=False),
    learning_rates={},
    weights={"encoders.hand": RESNET},
)
