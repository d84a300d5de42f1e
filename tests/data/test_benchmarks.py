"""Benchmarks by the names that users type."""

from __future__ import annotations

import pytest
from torch import nn

from common.joints import MANO, SMPL, SMPLX
from common.utils.errors import UserError
from data.loading.dataset import Benchmark
from data.on_device.mesh_targets import MeshTargets
from main.benchmarks import made

TYPED = {  # with the name that its results have
    "EHF": "EHF", "AGORA": "AGORA", "AGORA_validation": "AGORA", "AGORA_test": "AGORA_test",
    "UBody": "UBody", "UBody_inter": "UBody_inter", "PW3D": "3DPW",
    "EgoBody_Egocentric": "EgoBody_Egocentric", "EgoBody_Kinect": "EgoBody_Kinect", "ARCTIC": "ARCTIC",
    "RenBody": "RenBody", "SynHand": "SynHand",
    "PW3D_LSP14": "3DPW_LSP14", "SSP3D": "SSP3D", "SSP3D_gendered": "SSP3D_gendered",
    "SSP3D_silhouettes": "SSP3D_silhouettes",
    "RenBody_HiRes": "RenBody_HiRes", "Human36M": "Human36M", "synthetic": "synthetic",
    "FreiHAND": "FreiHAND", "PW3D_SPIN": "3DPW_SPIN", "Human36M_SPIN": "Human36M_SPIN",
    "Human36M_SPIN_p1": "Human36M_SPIN_p1", "Human36M_SPIN_p2": "Human36M_SPIN_p2",
    "PW3D_TSV": "PW3D", "Human36M_TSV": "Human36M",
}  # fmt: skip


@pytest.mark.parametrize("typed", TYPED)
def test_a_benchmark_is_found_by_its_name_without_any_data(typed: str) -> None:
    benchmark = made(typed)
    assert isinstance(benchmark, Benchmark) and benchmark.name == TYPED[typed]
    names = [getattr(metric, "name", None) for metric in benchmark.metrics]
    assert len(set(names)) == len(names) > 0
    assert benchmark.body in (MANO, SMPL, SMPLX)
    assert getattr(benchmark.dataset, "split", "test") in ("test", "test_p1", "test_p2", "validation")


@pytest.mark.parametrize(
    "typed", ["EgoBody_left", "RenBody_low", "UBody_all", "AGORA_train", "SSP3D_male", "EHB"]
)
def test_an_unknown_one_is_refused_in_words(typed: str) -> None:
    with pytest.raises(UserError, match=typed.split("_")[-1]):
        made(typed)


def test_published_bugs_come_back_only_where_there_were_any() -> None:
    assert made("UBody", as_published=True).metrics != made("UBody").metrics
    assert made("EgoBody_Kinect", as_published=True).dataset.as_published
    with pytest.raises(UserError, match="no published bug"):
        made("EHF", as_published=True)


def test_a_protocol_whose_persons_are_known_says_how_many_they_are() -> None:
    outdoors = ("PW3D_LSP14", "PW3D_SPIN", "PW3D_TSV")
    counts = {"EHF": 100, "FreiHAND": 3960, "SHAPY": 705, "SHAPY_test": 1631, "synthetic": 2048}
    counts |= dict.fromkeys(outdoors, 35_515)
    counts |= dict.fromkeys(("SSP3D", "SSP3D_gendered", "SSP3D_silhouettes"), 311)
    assert {name: made(name).count for name in TYPED | counts if made(name).count} == counts


def test_meshes_are_the_truth_where_there_are_any() -> None:
    meshes = {typed for typed in TYPED if made(typed).prepare is MeshTargets}
    assert meshes == {"EHF", "AGORA", "AGORA_validation", "FreiHAND"}
    assert issubclass(MeshTargets, nn.Module)
