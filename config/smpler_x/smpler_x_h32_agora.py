"""SMPLer-X, ViT-H, trained on for AGORA."""

from __future__ import annotations

from config.smpler_x.family import fine_tuned
from data import agora
from data.agora import AGORA
from data.bedlam import BEDLAM
from data.gta_human2 import GTAHuman2
from data.spec import SPEC
from data.synbody import SynBody

experiment = fine_tuned(
    "agora",
    train=[AGORA("train"), GTAHuman2(), BEDLAM(interval=5), SynBody(), SPEC()],
    test=[agora.benchmark()],
)
