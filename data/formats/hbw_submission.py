"""What HBW's server is sent: the mesh at rest of every test picture's person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from common.body_models.build import body_model
from common.joints import SMPLX
from common.metrics.metric import Metric
from common.structures import Batch, Prediction
from common.utils import distributed
from common.utils.errors import UserError
from common.utils.files import written_beside
from common.utils.paths import OUTPUT, shown

AT_ONCE = 256  # bodies


class Photographs(Protocol):
    """Persons of HBW."""

    @property
    def pictures(self) -> Mapping[str, str]:
        """What the server calls the picture of each person, by the person's name."""
        ...


@dataclass(frozen=True)
class HbwSubmission(Metric):
    """Measures nothing: `summary` writes an .npz of `image_name` (N,) and `v_shaped` (N, 10475, 3)."""

    photographs: Photographs
    folder: Path = OUTPUT / "hbw"

    def measure(self, prediction: Prediction, batch: Batch) -> dict[str, Tensor]:
        """Raises UserError for bodies that are not SMPL-X's."""
        if prediction.body.topology != SMPLX.name:
            raise UserError(f"HBW takes SMPL-X bodies, not {prediction.body.topology} ones.")
        order = list(self.photographs.pictures)
        places = [order.index(name) for name in batch.name]
        return {"betas": prediction.params.betas, "place": torch.tensor(places)}

    def summary(self, table: Mapping[str, Tensor]) -> dict[str, float]:
        if distributed.first():
            pictures = list(self.photographs.pictures.values())
            names = [pictures[place] for place in table["place"].tolist()]
            model = body_model(SMPLX, free="never")
            meshes = torch.cat([model.standing(some)[0] for some in table["betas"].cpu().split(AT_ONCE)])
            path = self.folder / f"hbw_prediction_{datetime.now():%Y%m%d_%H%M%S_%f}.npz"
            with written_beside(path) as unfinished:
                np.savez(unfinished, image_name=np.array(names), v_shaped=meshes.numpy())
            print(f"Written to {shown(path)}; send it to HBW's server as hbw_prediction.npz.")
        return {"submitted": float(len(table["place"]))}
