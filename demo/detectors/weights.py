"""The shipped weights of the detectors: found, and loaded strictly."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn

from common.utils.packing import read_packed
from common.utils.paths import FREE

Network = TypeVar("Network", bound=nn.Module)


def load(network: Network, name: str, device: torch.device | str = "cpu") -> Network:
    """The network with the shipped weights of that name, in float32, ready to run.

    Raises FileNotFoundError in one sentence where the file is missing.
    """
    path = FREE / "detectors" / f"{name}.safetensors"
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is missing: it is part of the project; restore it, or make it again with "
            "`python -m tool.prepare.detector_weights`."
        )
    network.load_state_dict(
        {key: torch.from_numpy(value).float() for key, value in read_packed(path).items()}
    )
    network = network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.eval().requires_grad_(False)
