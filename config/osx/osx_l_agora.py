"""OSX without decoders, from the weights of `osx_l_wo_decoder`, trained on AGORA alone and measured on it.

The picture teaches only the camera here, and what is known of the bodies in space counts twice (published).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from common.losses.objective import Term, WeightedSum
from common.losses.parts import JointsInParts
from common.utils.paths import PRETRAINED
from config.osx.osx_l_wo_decoder import WITHOUT_FACE
from config.osx.osx_l_wo_decoder import experiment as base
from data import agora
from data.agora import AGORA

TWICE = ("pose", "betas", "expression", "joints_3d", "fitted_3d")

experiment = replace(
    base,
    name="osx_l_agora",
    objective=partial(
        WeightedSum,
        terms=WITHOUT_FACE
        | {name: WITHOUT_FACE[name]._replace(weight=2.0) for name in TWICE}
        | {"joints_2d": Term(1.0, JointsInParts(camera_only=True))},
    ),
    train=AGORA("train", corrected="none"),
    test=(agora.benchmark(),),
    published={
        "AGORA/mpvpe": 168.6,
        "AGORA/mpvpe_hands": 70.6,
        "AGORA/mpvpe_face": 77.2,
        "AGORA/pa_mpvpe": 69.4,
        "AGORA/pa_mpvpe_hands": 11.5,
        "AGORA/pa_mpvpe_face": 4.8,
    },
    epochs=140,
    weights={"": PRETRAINED / "osx_l_wo_decoder.pth.tar"},
)
