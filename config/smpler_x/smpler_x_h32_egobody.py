"""SMPLer-X, ViT-H, trained on for EgoBody."""

from __future__ import annotations

from config.smpler_x.family import fine_tuned
from config.smpler_x.mixtures import coco
from data import egobody
from data.bedlam import BEDLAM
from data.egobody import EgoBodyEgocentric, EgoBodyKinect
from data.prox import PROX

experiment = fine_tuned(
    "egobody",
    train=[coco, EgoBodyEgocentric(), EgoBodyKinect(interval=10), BEDLAM(interval=5), PROX()],
    test=[egobody.benchmark("egocentric"), egobody.benchmark("kinect")],
)
