"""PyMAF-X's body alone, SMPL and ResNet-50, from EFT's fits; measured on 3DPW and Human3.6M."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from common.joints import SMPL
from common.losses.objective import WeightedSum
from common.networks.pymaf_x.pymaf_x import PyMAFX
from config.pymaf_x.pymaf_x import RESNET
from config.pymaf_x.pymaf_x_body import experiment as base
from config.pymaf_x.terms import SMPL_BODY
from data.whole_body_mix import h36m_coco_itw

experiment = replace(
    base,
    name="pymaf_x_body_smpl",
    model=partial(PyMAFX, parts=("body",), body="smpl", backbone="resnet"),
    objective=partial(WeightedSum, terms=SMPL_BODY),
    train=h36m_coco_itw(SMPL, "train_eft"),
    learning_rates={},
    weights={"encoders.body": RESNET},
)
