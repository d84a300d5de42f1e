"""SMPLer-X, ViT-H, trained on 5 data sets."""

from __future__ import annotations

from config.smpler_x.family import smpler_x

experiment = smpler_x("h", 5)
