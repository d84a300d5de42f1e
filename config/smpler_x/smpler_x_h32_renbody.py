"""SMPLer-X, ViT-H, trained on for RenBody."""

from __future__ import annotations

from config.smpler_x.family import fine_tuned
from data import renbody
from data.bedlam import BEDLAM
from data.chi3d import CHI3D
from data.renbody import RenBody, RenBodyHiRes
from data.synbody import SynBody

experiment = fine_tuned(
    "renbody",
    train=[RenBodyHiRes(interval=5), RenBody(interval=10), BEDLAM(interval=5), SynBody(), CHI3D()],
    test=[renbody.benchmark()],
)
