"""Whole-body benchmarks, measured of a network that looks four times: at body, both hands and face."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import miniature
import pytest
import spin_labels
import torch

from common.body_models.build import body_model
from common.joints import SMPLX, SMPLX_144
from common.networks.model import Model
from common.structures import Body, Inputs, Prediction, View, WeakPerspective
from data import ehf, human36m_spin, pw3d_spin
from data.ehf import EHF
from data.spin_sets import H36MMosh, PW3DSpin
from main.evaluator import evaluate

pytestmark = pytest.mark.usefixtures("human_model_files")


class Four(Model):
    """Says the mean body of SMPL-X with 50 coefficients of expression, and remembers what it was shown."""

    def __init__(self) -> None:
        super().__init__()
        sizes = {"body": 1.2, "left_hand": 1.44, "right_hand": 1.44, "face": 1.68}
        self.views = {
            name: View((64, 64), name, padding=padding, sampling="resize_cubic")
            for name, padding in sizes.items()
        }
        self.joint_set, self.body_model = (
            SMPLX_144,
            body_model(replace(SMPLX, expression=50), file="SMPLX_NEUTRAL_2020.npz"),
        )
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.seen: list[Inputs] = []

    def read_joints(self, body: Body) -> torch.Tensor:
        return body.joints

    def forward(self, inputs: Inputs) -> Prediction:
        self.seen.append(inputs)
        count = len(inputs.part_scores)
        flat = torch.ones(count, dtype=torch.bool)
        numbers = torch.zeros(count, 55, 3), torch.zeros(count, 10), torch.zeros(count, 50)
        params = self.body_model.params(*numbers, flat)
        body = self.body_model(params)
        size = torch.full((count, 2), 64.0)
        return Prediction(params, body, body.joints, WeakPerspective(torch.ones(count), 0 * size, size))


def test_meshes_are_compared_however_many_coefficients_a_network_has(tmp_path: Path) -> None:
    miniature.ehf(tmp_path, 2)
    network = Four()
    benchmark = replace(ehf.benchmark(), dataset=EHF(root=tmp_path), count=None)
    result = evaluate(network, benchmark, batch_size=2)
    assert set(result.numbers) >= {"mpvpe", "pa_mpvpe_hands", "pa_mpvpe_face"}
    assert all(number > 0 for number in result.numbers.values())
    (inputs,) = network.seen
    assert set(inputs.views) == {"body", "left_hand", "right_hand", "face"}
    assert (inputs.part_scores == -1).all(), "no detector looked"
    x, y, width, height = miniature.PARTS["lefthand"]
    middle = inputs.crops["left_hand"].back(torch.full((2, 1, 2), 32.0))[0, 0]
    torch.testing.assert_close(middle, torch.tensor([x + width / 2, y + height / 2]), rtol=0, atol=1.0)


@pytest.mark.parametrize(
    ("make", "kind", "file"),
    [
        (pw3d_spin.benchmark, PW3DSpin, "3dpw_test.npz"),
        (human36m_spin.benchmark, H36MMosh, "h36m_mosh_valid_p2.npz"),
    ],
)
def test_a_body_of_smplx_is_measured_on_the_mesh_of_smpl(make, kind, file, tmp_path: Path) -> None:
    root = spin_labels.write(tmp_path / "spin", persons=3)
    extras = root / "dataset_extras"
    (extras / file).write_bytes((extras / spin_labels.CAPTURED).read_bytes())
    benchmark = make()
    dataset = kind("test", benchmark.body, root=root, folder="")
    result = evaluate(Four(), replace(benchmark, dataset=dataset, count=None), batch_size=3)
    assert set(result.numbers) == {"mpjpe", "pa_mpjpe", "pve"} and len(result.rows) == 3
    assert all(0 < number < 1e4 for number in result.numbers.values())
    assert result.numbers["pa_mpjpe"] < result.numbers["mpjpe"]
