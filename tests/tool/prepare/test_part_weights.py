"""The layers of published networks land under the names of ours, each of them once."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from demo.detectors.face_mesh import FaceNetwork
from demo.detectors.hand_landmarks import HandNetwork
from demo.detectors.palm_detector import PalmNetwork
from tool.prepare import part_weights
from tool.prepare.detector_weights import _trunk

CASES = [
    (PalmNetwork, part_weights.palm_names()),
    (HandNetwork, part_weights.hand_names(_trunk())),
    (FaceNetwork, part_weights.face_names()),
]
# how a .tflite file lays the weights of ours down
LAID = {"dense": (0, 2, 3, 1), "depthwise": (1, 2, 3, 0), "linear": (0, 1)}


def as_published(network: nn.Module, names: part_weights.Names) -> part_weights.Layers:
    """What `read_in_order` would find if the network were in a file."""
    state = {name: value.numpy() for name, value in network.state_dict().items()}
    layers: part_weights.Layers = {kind: [] for kind in names}
    for kind, places in names.items():
        for name in places:
            if kind == "slopes":
                layers[kind].append((state[f"{name}.weight"].reshape(1, 1, -1),))
            else:
                laid = state[f"{name}.weight"].transpose(LAID[kind])
                layers[kind].append((laid, state[f"{name}.bias"]))
    return layers


@pytest.mark.parametrize(("kind", "names"), CASES, ids=lambda case: getattr(case, "__name__", ""))
def test_every_tensor_of_ours_is_filled_with_its_own(kind, names):
    network = kind()
    tensors = part_weights.state(as_published(network, names), names)
    assert tensors.keys() == network.state_dict().keys()
    for name, value in network.state_dict().items():
        np.testing.assert_array_equal(tensors[name], value.numpy().astype(np.float16))
    other = kind()
    other.load_state_dict({name: torch.from_numpy(value) for name, value in tensors.items()})


@pytest.mark.parametrize(("kind", "names"), CASES, ids=lambda case: getattr(case, "__name__", ""))
def test_a_network_of_another_depth_is_refused_in_words(kind, names):
    layers = as_published(kind(), names)
    layers["dense"].pop()
    with pytest.raises(ValueError, match=r"not the one that was known: it has \d+ dense layers instead of"):
        part_weights.state(layers, names)
