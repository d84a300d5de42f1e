"""Packed tensors: nothing is lost, and what is no packed file is refused."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from common.utils.packing import read_packed, write_packed


def test_what_is_packed_comes_back_bit_by_bit_with_its_names_and_shapes(tmp_path):
    source = np.random.default_rng(0)
    bits = source.integers(0, 2**16, (3, 5, 7), dtype=np.uint16).view(np.float16)  # infinities and all
    tensors = {"b.weight": bits, "a.bias": np.float16([]), "single": np.float16([1.5]).reshape(())}
    write_packed(tmp_path / "x.safetensors", tensors, {"license": "mine"})
    read = read_packed(tmp_path / "x.safetensors")
    assert list(read) == list(tensors)
    for name, values in tensors.items():
        assert read[name].shape == values.shape
        np.testing.assert_array_equal(read[name].view(np.uint16), values.view(np.uint16))
    with safe_open(tmp_path / "x.safetensors", "np") as file:
        assert file.metadata()["license"] == "mine"


def test_weights_as_networks_have_them_take_less_than_nine_tenths(tmp_path):
    weights = np.random.default_rng(0).normal(0, 0.05, (64, 512)).astype(np.float16)
    write_packed(tmp_path / "x.safetensors", {"weight": weights}, {})
    assert (tmp_path / "x.safetensors").stat().st_size < 0.9 * weights.nbytes


def test_another_kind_of_file_is_refused_in_words(tmp_path):
    save_file({"weight": np.zeros(3, np.float16)}, tmp_path / "plain.safetensors")
    with pytest.raises(ValueError, match=r"plain\.safetensors is no packed file"):
        read_packed(tmp_path / "plain.safetensors")
