"""One model on one benchmark."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from common.metrics.metric import Metric
from common.utils.errors import UserError
from main import evaluator
from main.evaluator import best_epoch, evaluate, write
from main.experiment import Experiment
from main.test import table


@dataclass(frozen=True)
class Even(Metric):
    """It applies to every other person."""

    def measure(self, prediction, batch):
        numbers = torch.tensor([int(name.split("/")[1]) for name in batch.name], dtype=torch.float32)
        return {"number": torch.where(numbers % 2 == 0, numbers, torch.nan)}

    def summary(self, table):
        return {"persons": float(len(table["number"])), "most": table["number"].nan_to_num(-1).max().item()}


def test_the_size_of_batches_and_who_loads_them_change_no_number(toy: Experiment) -> None:
    model = toy.model()
    (benchmark,) = toy.test
    whole = evaluate(model, benchmark, batch_size=7)
    assert whole.about["persons"] == 7 and sorted(whole.rows) == [f"ToyTest/{i}" for i in range(7)]
    assert evaluate(model, benchmark, batch_size=2, workers=1).numbers == pytest.approx(
        whole.numbers, rel=1e-6
    )


def test_a_metric_sums_up_its_own_columns_once(toy: Experiment) -> None:
    benchmark = replace(toy.test[0], metrics=(*toy.test[0].metrics, Even()))
    result = evaluate(toy.model(), benchmark, batch_size=3)
    assert result.numbers["persons"] == 7 and result.numbers["most"] == 6
    assert set(result.numbers) == {"mpvpe", "persons", "most"}


def test_the_model_is_left_in_the_mode_it_came_in(toy: Experiment) -> None:
    model = toy.model().train()
    first, second = (evaluate(model, toy.test[0], batch_size=4).numbers for _ in range(2))
    assert model.training and first == second  # dropout is off


def test_a_result_is_json_with_what_it_hangs_on(toy: Experiment, tmp_path: Path) -> None:
    benchmark = replace(toy.test[0], metrics=(Even(),))
    result = evaluate(toy.model(), benchmark)
    write(tmp_path / "result" / "Toy.json", result, {"weights": "here"})
    content = json.loads((tmp_path / "result" / "Toy.json").read_text())
    assert content["numbers"] == {"persons": 7.0, "most": 6.0}
    assert content["persons"]["ToyTest/1"] == {"number": None} and content["persons"]["ToyTest/2"] == {
        "number": 2.0
    }
    assert content["about"]["weights"] == "here" and content["about"]["persons"] == 7
    assert content["about"]["views"] == {"body": [16, 12]}


def test_other_weights_and_other_persons_leave_other_fingerprints(toy: Experiment) -> None:
    (benchmark,) = toy.test
    model = toy.model()
    first = evaluator.fingerprint(model, benchmark, ["a", "b"])
    assert evaluator.fingerprint(model, benchmark, ["a", "b"]) == first
    assert (
        evaluator.fingerprint(toy.model(), benchmark, ["a", "b"])["weights_sha256"] != first["weights_sha256"]
    )
    assert evaluator.fingerprint(model, benchmark, ["a", "c"])["names_sha256"] != first["names_sha256"]


def test_a_data_set_that_is_not_the_protocol_s_is_refused(toy: Experiment) -> None:
    with pytest.raises(
        UserError, match=r"Toy has 100 persons by its protocol, but 7 are here.*test\.Toy\.count=None"
    ):
        evaluate(toy.model(), replace(toy.test[0], count=100))
    with pytest.raises(UserError, match="no persons to measure"):
        evaluate(toy.model(), replace(toy.test[0], dataset=replace(toy.test[0].dataset, count=0)))


def test_two_persons_of_one_name_are_refused(toy: Experiment) -> None:
    class Twins(type(toy.test[0].dataset)):
        def __getitem__(self, index):
            return super().__getitem__(index // 2)

    with pytest.raises(UserError, match="7 persons but 4 names"):
        evaluate(toy.model(), replace(toy.test[0], dataset=Twins("Twins", 7)))


def test_a_broken_picture_is_named(toy: Experiment) -> None:
    with pytest.raises(UserError, match="ToyTest, person 3, cannot be used"):
        evaluate(toy.model(), replace(toy.test[0], dataset=replace(toy.test[0].dataset, broken=(3,))))


def test_the_best_epoch_is_the_lowest(tmp_path: Path, toy: Experiment) -> None:
    result = evaluate(toy.model(), toy.test[0])
    for epoch, error in ((1, 80.0), (2, 70.0), (10, 75.0)):
        write(
            tmp_path / f"result/Toy_{epoch}.json", replace(result, numbers={"mpvpe": error}), {"epoch": epoch}
        )
    assert best_epoch(tmp_path, "Toy/mpvpe") == 2
    assert best_epoch(tmp_path, "Toy/pa_mpvpe") is None
    assert best_epoch(tmp_path, None) is None


def test_the_table_stands_ours_beside_the_published(toy: Experiment) -> None:
    result = replace(evaluate(toy.model(), toy.test[0]), numbers={"mpvpe": 71.5, "pa_mpvpe": 40.0})
    lines = table([result], {"Toy/mpvpe": 70.0}).splitlines()
    assert lines[1].split() == ["Toy/mpvpe", "71.50", "70.00", "+1.50"]
    assert lines[2].split() == ["Toy/pa_mpvpe", "40.00", "-", "-"]
    assert len({len(line) for line in lines}) == 1
