"""What one pass through network and losses is."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from common.structures import Batch


class TrainingStep(nn.Module):
    """Network and objective as one module, so that one wrapper distributes both; the losses are float32."""

    def __init__(self, model: nn.Module, objective: nn.Module, bf16: bool = False) -> None:
        super().__init__()
        self.model, self.objective, self.bf16 = model, objective, bf16

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        with torch.autocast(batch.seed.device.type, torch.bfloat16, enabled=self.bf16):
            prediction = self.model(batch.inputs)
        return self.objective(prediction, batch.target)
