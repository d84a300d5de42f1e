"""PyMAF-X's faces alone, FLAME. No benchmark of faces is here; the published one was never given away.

Published: this training could not be started; an output is looked up by another name than it has.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from common.losses.objective import WeightedSum
from common.networks.pymaf_x.pymaf_x import PyMAFX
from config.pymaf_x.pymaf_x import RESNET
from config.pymaf_x.pymaf_x import experiment as base
from config.pymaf_x.terms import FACE
from data.on_device.posed_targets import PosedTargets
from data.spin_sets import VGGFace2

experiment = replace(
    base,
    name="pymaf_x_face",
    model=partial(PyMAFX, parts=("face",)),
    objective=partial(WeightedSum, terms=FACE),
    train=VGGFace2("train"),
    test=(),
    prepare=PosedTargets,
    augment=replace(base.augment, parts_from_body=False),
    learning_rates={},
    weights={"encoders.face": RESNET},
)
