"""SMPLer-X, ViT-H, trained on for 3DPW."""

from __future__ import annotations

from config.smpler_x.family import fine_tuned
from config.smpler_x.mixtures import outdoors, people_outdoors
from data.egobody import EgoBodyKinect
from data.gta_human2 import GTAHuman2
from data.humansc3d import HumanSC3D
from data.insta_variety import InstaVariety

experiment = fine_tuned(
    "3dpw",
    train=[people_outdoors, GTAHuman2(), EgoBodyKinect(interval=10), InstaVariety(interval=10), HumanSC3D()],
    test=[outdoors()],
)
