"""OSX without decoders, trained with UBody among the pictures; measured on UBody's scenes."""

from __future__ import annotations

from dataclasses import replace

from config.osx.osx_l_wo_decoder import experiment as base
from data import ubody
from data.human36m import Human36M
from data.loading.mixture import Balanced
from data.mpii import MPII
from data.mscoco import MSCOCO
from data.ubody import UBody

experiment = replace(
    base,
    name="osx_l_ubody",
    train=Balanced([Human36M("train")], [UBody("train"), MSCOCO("train"), MPII("train")]),
    test=(ubody.benchmark(),),
    published={},
)
