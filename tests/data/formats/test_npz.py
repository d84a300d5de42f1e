"""Archives read in parts, and pickled entries without running them."""

from __future__ import annotations

import os

import numpy as np
import pytest

from data.formats import npz as room
from data.formats.npz import Npz

NUMBERS = np.arange(3000, dtype=np.float64).reshape(500, 2, 3)


class Harm:
    def __reduce__(self):
        return os.system, ("true",)


@pytest.fixture(params=[np.savez, np.savez_compressed])
def path(tmp_path, request):
    request.param(
        tmp_path / "some.npz",
        numbers=NUMBERS,
        turned=np.asfortranarray(NUMBERS[..., 0]),
        words=np.array(["one", "three"]),
        listed=np.array(["one", "two words"], dtype=object),
        nested={"pose": NUMBERS[:3], "gender": ["male", np.str_("female")], "flag": True},
        harm=np.array(Harm(), dtype=object),
        count=np.array(7),
    )
    return tmp_path / "some.npz"


def test_entries_come_back_as_numpy_reads_them(path):
    with Npz(path) as npz, np.load(path) as wanted:
        for name in ("numbers", "turned", "words"):
            assert np.array_equal(npz[name], wanted[name]) and npz.shape(name) == wanted[name].shape
        assert int(npz["count"]) == 7 and "numbers" in npz and "others" not in npz


def test_objects_come_back_as_what_they_were(path):
    with Npz(path) as npz:
        assert list(npz["listed"]) == ["one", "two words"] and npz.shape("listed") == (2,)
        nested = npz["nested"]
        assert np.array_equal(nested["pose"], NUMBERS[:3])
        assert nested["gender"] == ["male", "female"] and nested["flag"] is True


@pytest.mark.parametrize("size", [1, 1000, 2**26])
def test_parts_make_up_the_whole(path, size, monkeypatch):
    monkeypatch.setattr(room, "_PART", size)
    with Npz(path) as npz:
        for name in ("numbers", "turned", "listed"):
            assert np.array_equal(np.concatenate(list(npz.parts(name))), npz[name])
        assert max(len(part) for part in npz.parts("numbers")) == min(max(size // 48, 1), 500)


def test_code_is_refused(path):
    with Npz(path) as npz, pytest.raises(ValueError, match=r"'harm' of .*some\.npz is not read"):
        npz["harm"]


def test_what_is_not_there_is_named_with_what_is(path):
    with Npz(path) as npz, pytest.raises(KeyError, match="no 'others'; it has numbers"):
        npz["others"]


def test_a_damaged_archive_is_named(path):
    data = bytearray(path.read_bytes())
    place = data.find(b"NUMPY") + 400 if b"NUMPY" in data else 200
    data[place : place + 40] = bytes(40)
    path.write_bytes(data)
    with Npz(path) as npz, pytest.raises(ValueError, match=r"'numbers' of .* is (damaged|cut short)"):
        npz["numbers"]
    path.write_bytes(bytes(data)[:1000])
    with pytest.raises(ValueError, match=r"cut short or is no \.npz"):
        Npz(path)
