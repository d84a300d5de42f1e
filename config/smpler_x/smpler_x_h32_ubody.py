"""SMPLer-X, ViT-H, trained on for UBody."""

from __future__ import annotations

from config.smpler_x.family import fine_tuned
from config.smpler_x.mixtures import coco, upper_bodies
from data import ubody
from data.egobody import EgoBodyEgocentric
from data.posetrack import PoseTrack
from data.talkshow import Talkshow

experiment = fine_tuned(
    "ubody",
    train=[upper_bodies, coco, EgoBodyEgocentric(), PoseTrack(), Talkshow(interval=10)],
    test=[ubody.benchmark()],
)
