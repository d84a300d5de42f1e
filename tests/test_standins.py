"""The stand-ins are the arrays that the published numbers were made with."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import scipy.sparse
import standins
import torch
from torch import nn

ORIGINAL = Path(__file__).parents[2] / "shared" / "parity" / "standin.py"
needs_original = pytest.mark.skipif(not ORIGINAL.exists(), reason=f"{ORIGINAL} is not here to compare with")


@pytest.fixture(scope="module")
def original() -> ModuleType:
    spec = importlib.util.spec_from_file_location("original_standin", ORIGINAL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def assert_same(one: Any, other: Any) -> None:
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for name in one:
            assert_same(one[name], other[name])
    elif isinstance(one, tuple):
        for pair in zip(one, other, strict=True):
            assert_same(*pair)
    else:
        one, other = (
            value.toarray() if scipy.sparse.issparse(value) else np.asarray(value) for value in (one, other)
        )
        assert one.dtype == other.dtype
        np.testing.assert_array_equal(one, other)


@needs_original
def test_body_models_are_the_original_ones(original: ModuleType) -> None:
    assert_same(standins.smpl_arrays("MALE"), original.smpl_model("MALE"))
    assert_same(standins.mano_arrays("LEFT"), original.mano_model("LEFT"))
    assert_same(standins.index_arrays(), original.smplx_index_files())
    assert_same(standins.flame_arrays(), original.flame_model())


@needs_original
def test_smplx_is_the_original_one(original: ModuleType) -> None:
    assert_same(standins.smplx_arrays(), original.smplx_model())


@needs_original
def test_networks_and_pictures_are_filled_as_originally(original: ModuleType) -> None:
    def network() -> nn.Module:
        return nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Linear(4, 5))

    ours, theirs = standins.fill_(network()), original.fill_(network())
    for one, other in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)
    assert_same(standins.input_image("a", 2, 3, 8, 9), original.input_image("a", 2, 3, 8, 9))


def test_the_numbers_are_the_same_on_every_machine() -> None:
    np.testing.assert_allclose(standins.dice("smplx-NEUTRAL").normal(size=2), [0.04437343398, 1.12934323695])
    np.testing.assert_allclose(standins.mano_arrays()["v_template"].sum(), -87.0086113987)
