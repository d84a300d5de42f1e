"""SMPLer-X, ViT-S, trained on 32 data sets."""

from __future__ import annotations

from config.smpler_x.family import smpler_x

experiment = smpler_x("s", 32)
