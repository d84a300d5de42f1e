"""OSX with the smaller encoder, ViT-B."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from common.networks.osx import OSX
from common.utils.paths import PRETRAINED
from config.osx.osx_l import experiment as base

experiment = replace(
    base,
    name="osx_b",
    model=partial(OSX, encoder="base", hand_decoder=True, face_decoder=True),
    published={},
    weights={"encoder": PRETRAINED / "osx_vit_b.pth"},
)
