"""SMPLer-X, ViT-H, trained on for ARCTIC."""

from __future__ import annotations

from config.smpler_x.family import fine_tuned
from config.smpler_x.mixtures import coco
from data import arctic
from data.arctic import ARCTIC
from data.bedlam import BEDLAM
from data.egobody import EgoBodyEgocentric
from data.posetrack import PoseTrack

experiment = fine_tuned(
    "arctic",
    train=[coco, ARCTIC(interval=10), BEDLAM(interval=5), EgoBodyEgocentric(), PoseTrack()],
    test=[arctic.benchmark()],
)
