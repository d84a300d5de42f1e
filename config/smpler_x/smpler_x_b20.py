"""SMPLer-X, ViT-B, trained on 20 data sets."""

from __future__ import annotations

from config.smpler_x.family import smpler_x

experiment = smpler_x("b", 20)
