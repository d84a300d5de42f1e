"""Pickles of numbers are read, and nothing in them is run."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import scipy.sparse

from common.utils.unpickle import Inert, as_array, as_sparse, read_object, read_pickle

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
# What Python 2 wrote for {"a": chumpy.Ch(numpy.array([1.5, -2.0]))} by its default protocol.
PYTHON_2 = (
    b"(dp0\nS'a'\np1\nccopy_reg\n_reconstructor\np2\n(cchumpy.ch\nCh\np3\nc__builtin__\nobject\np4\nNtp5\nRp6\n"
    b"(dp7\nS'x'\np8\ncnumpy.core.multiarray\n_reconstruct\np9\n(cnumpy\nndarray\np10\n(I0\ntp11\nS'b'\np12\ntp13\n"
    b"Rp14\n(I1\n(I2\ntp15\ncnumpy\ndtype\np16\n(S'f8'\np17\nI0\nI1\ntp18\nRp19\n(I3\nS'<'\np20\nNNNI-1\nI-1\nI0\n"
    b"tp21\nbI00\nS'\\x00\\x00\\x00\\x00\\x00\\x00\\xf8?\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\xc0'\np22\ntp23\nbsbs."
)


class Ch:
    """As chumpy's: a plain array under `x`, an expression under other names."""

    def __init__(self, **state: Any) -> None:
        vars(self).update(state, _dirty_vars=set())


class Select(Ch):
    """Some entries of another, in another shape."""


@pytest.fixture
def chumpy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The two classes under chumpy's name, while pickles are written."""
    for module, kind in (("chumpy.ch", Ch), ("chumpy.reordering", Select)):
        made = ModuleType(module)
        setattr(made, kind.__name__, kind)
        monkeypatch.setitem(sys.modules, module, made)
        monkeypatch.setattr(kind, "__module__", module)
    monkeypatch.setitem(sys.modules, "chumpy", ModuleType("chumpy"))
    yield


def written(path: Path, content: Any, protocol: int = 2) -> Path:
    path.write_bytes(pickle.dumps(content, protocol))
    return path


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_arrays_come_back_as_they_were(tmp_path: Path, protocol: int) -> None:
    content = {
        "floats": np.random.default_rng(0).normal(size=(3, 4, 2)),
        "columns": np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        "whole": np.array([[2**32 - 1, 0]], np.uint32),
        "number": np.float64(2.5),
        "text": "lrotmin",
        "list": [1, 2.5, None, (True, b"bytes")],
    }
    found = read_pickle(written(tmp_path / "a.pkl", content, protocol))
    assert found.keys() == content.keys()
    for name in ("floats", "columns", "whole"):
        np.testing.assert_array_equal(found[name], content[name])
        assert found[name].dtype == content[name].dtype
    assert found["number"] == 2.5 and found["text"] == "lrotmin" and found["list"] == content["list"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("kind", ["csc_matrix", "csr_matrix", "coo_matrix", "csc_array"])
def test_sparse_matrices_are_read(tmp_path: Path, kind: str, protocol: int) -> None:
    dense = np.array([[0, 1.5, 0], [2, 0, 0]])
    found = read_pickle(written(tmp_path / "a.pkl", getattr(scipy.sparse, kind)(dense), protocol))
    np.testing.assert_array_equal(as_array(found), dense)
    np.testing.assert_array_equal(as_sparse(found).toarray(), dense)


def test_chumpy_arrays_are_read_without_chumpy(tmp_path: Path, chumpy: None) -> None:
    values = np.arange(12.0).reshape(4, 3)
    plain = Ch(x=values)
    picked = Select(a=plain, idxs=np.array([5, 0, 7, 2]), preferred_shape=(2, 2))
    path = written(tmp_path / "a.pkl", {"plain": plain, "picked": picked, "sum": Ch(a=plain, b=plain)})
    for name in ("chumpy", "chumpy.ch", "chumpy.reordering"):
        del sys.modules[name]
    found = read_pickle(path)
    np.testing.assert_array_equal(as_array(found["plain"]), values)
    np.testing.assert_array_equal(as_array(found["picked"]), [[5, 0], [7, 2]])
    with pytest.raises(ValueError, match=r"chumpy\.ch\.Ch would have to be run"):
        as_array(found["sum"])
    assert "chumpy" not in sys.modules


def test_what_python_2_wrote_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(PYTHON_2)
    np.testing.assert_array_equal(as_array(read_pickle(tmp_path / "a.pkl")["a"]), [1.5, -2.0])


def test_an_object_that_numpy_saved_is_read(tmp_path: Path) -> None:
    content = {"lmk_face_idx": np.arange(6).reshape(2, 3), "lmk_b_coords": [[0.5, 0.5]]}
    np.save(tmp_path / "a.npy", np.array(content, dtype=object))
    found = read_object(tmp_path / "a.npy")
    np.testing.assert_array_equal(found["lmk_face_idx"], content["lmk_face_idx"])
    np.testing.assert_array_equal(as_array(found["lmk_b_coords"]), [[0.5, 0.5]])


class Harmful:
    """Runs code where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, (f"open({str(self.path)!r}, 'w')",))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_code_is_refused_by_name_and_not_run(tmp_path: Path, protocol: int) -> None:
    path = written(tmp_path / "a.pkl", {"v_template": Harmful(tmp_path / "harm")}, protocol)
    with pytest.raises(ValueError, match=r"a\.pkl is not read: it holds builtins\.exec"):
        read_pickle(path)
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize(
    "stream",
    [
        b"cos\nsystem\n(S'touch harm'\ntR.",
        b"csubprocess\nPopen\n(S'true'\ntR.",
        b"cnumpy\nload\n(S'harm.npy'\ntR.",
        b"cbuiltins\ngetattr\n(cnumpy\nndarray\nS'tofile'\ntR.",
        b"cnumpy.core.multiarray\nfromfile\n(S'harm'\ntR.",
        b"ccopy_reg\n_reconstructor\n(cbuiltins\nset\nc__builtin__\nobject\nNtR.",
    ],
    ids=["system", "popen", "load", "getattr", "fromfile", "reconstructor"],
)
def test_ways_around_are_closed(tmp_path: Path, stream: bytes) -> None:
    (tmp_path / "a.pkl").write_bytes(stream)
    with pytest.raises(ValueError, match=r"a\.pkl is (not read: it holds|cut off)"):
        read_pickle(tmp_path / "a.pkl")


def test_strangers_of_known_packages_stay_inert(tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(b"cscipy.sparse.linalg\nspsolve\n(I1\nI2\ntR.")
    found = read_pickle(tmp_path / "a.pkl")
    assert isinstance(found, Inert) and found.arguments == (1, 2)
    with pytest.raises(ValueError, match=r"scipy\.sparse\.linalg\.spsolve is a format that is not known"):
        as_array(found)


@pytest.mark.parametrize("content", [b"", b"no pickle", b"\x80\x02}q\x00"])
def test_what_is_no_pickle_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.pkl").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.pkl is cut off or is no pickle; fetch it again\."):
        read_pickle(tmp_path / "a.pkl")


def test_what_is_no_npy_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPX")
    with pytest.raises(ValueError, match=r"a\.npy is cut off or is no \.npy file"):
        read_object(tmp_path / "a.npy")
