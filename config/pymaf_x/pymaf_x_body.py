"""PyMAF-X's body alone, SMPL-X; measured on 3DPW and Human3.6M.

`pymaf_x_body_smpl` is the same with SMPL. Published: this training could not be started; a check of names
fails.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from common.losses.objective import WeightedSum
from common.networks.pymaf_x.pymaf_x import PyMAFX
from common.utils.paths import PRETRAINED
from config.pymaf_x.pymaf_x import UNREAD
from config.pymaf_x.pymaf_x import experiment as base
from config.pymaf_x.terms import BODY
from data import human36m_spin, pw3d_spin
from data.whole_body_mix import h36m_coco_itw

experiment = replace(
    base,
    name="pymaf_x_body",
    model=partial(PyMAFX, parts=("body",)),
    objective=partial(WeightedSum, terms=BODY),
    train=h36m_coco_itw(),
    test=(pw3d_spin.benchmark(), human36m_spin.benchmark()),
    augment=replace(base.augment, parts_from_body=False),
    learning_rates={UNREAD[0]: 0.0},
    weights={"encoders.body": PRETRAINED / "pose_hrnet_w48_256x192.pth"},
)
