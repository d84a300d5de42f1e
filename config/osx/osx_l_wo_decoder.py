"""OSX, ViT-L, whose hands and face are read without decoders."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from common.losses.objective import WeightedSum
from common.networks.osx import OSX
from config.osx.osx_l import TERMS
from config.osx.osx_l import experiment as base

WITHOUT_FACE = {name: term for name, term in TERMS.items() if name != "face_positions"}

experiment = replace(
    base,
    name="osx_l_wo_decoder",
    model=partial(OSX, encoder="large", hand_decoder=False, face_decoder=False),
    objective=partial(WeightedSum, terms=WITHOUT_FACE),
    published={},
)
