"""PyMAF-X's first release (1.0), for its checkpoint: hands and face are looked for on the body's mesh."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from common.networks.pymaf_x.pymaf_x import PyMAFX
from common.utils.paths import PRETRAINED
from config.pymaf_x.pymaf_x import HANDS_ASIDE, UNREAD
from config.pymaf_x.pymaf_x import experiment as base

experiment = replace(
    base,
    name="pymaf_x_v1_0",
    model=partial(PyMAFX, own_meshes=False, dense_face=False, expression=10),
    learning_rates=dict.fromkeys((*UNREAD, *HANDS_ASIDE), 0.0),
    released=PRETRAINED / "PyMAF-X_model_checkpoint.pt",
)
