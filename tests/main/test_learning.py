"""Which weights learn, how fast, and their running average."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam

from common.utils.errors import UserError
from main.learning import Average, freeze, groups, renew
from main.schedules import constant, cosine, stepped


class Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
        self.encoder_two = nn.Linear(2, 2)
        self.token = nn.Parameter(torch.zeros(3))


def rates(model: nn.Module, chosen: dict[str, float], objective: nn.Module | None = None) -> dict[str, float]:
    """Each weight's learning rate, by name; absent where it does not learn."""
    freeze(model, chosen)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    names |= {
        id(parameter): f"objective.{name}"
        for name, parameter in (objective or nn.Identity()).named_parameters()
    }
    made = groups(model, objective or nn.Identity(), chosen, partial(Adam, lr=1.0))
    return {names[id(parameter)]: group["lr"] for group in made for parameter in group["params"]}


def test_without_a_choice_all_learn_alike() -> None:
    assert set(rates(Network(), {}).values()) == {1.0}
    assert len(groups(Network(), nn.Identity(), {}, Adam)) == 1


def test_a_prefix_is_a_whole_name_and_the_longest_counts() -> None:
    learning = rates(Network(), {"encoder": 0.1, "encoder.1": 0.5, "token": 2.0}, nn.Linear(1, 1, bias=False))
    assert learning == {
        "encoder.0.weight": 0.1, "encoder.0.bias": 0.1, "encoder.1.weight": 0.5, "encoder.1.bias": 0.5,
        "encoder_two.weight": 1.0, "encoder_two.bias": 1.0, "token": 2.0, "objective.weight": 1.0,
    }  # fmt: skip


def test_a_rate_of_zero_freezes_and_names_what_stays_in_eval_mode() -> None:
    model = Network()
    assert freeze(model, {"encoder": 0, "token": 0}) == ["encoder"]
    assert [name for name, weight in model.named_parameters() if weight.requires_grad] == [
        "encoder_two.weight", "encoder_two.bias",
    ]  # fmt: skip
    assert "encoder.0.weight" not in rates(model, {"encoder": 0, "token": 0})


def test_a_prefix_that_nothing_has_is_refused() -> None:
    with pytest.raises(UserError, match="did you mean 'encoder'"):
        freeze(Network(), {"encodr": 0.1})
    model = Network()
    with pytest.raises(UserError, match="No weight learns"):
        rates(model, {"encoder": 0, "encoder_two": 0, "token": 0})


def test_the_average_follows_and_the_network_gets_its_own_weights_back() -> None:
    model = nn.Linear(1, 1, bias=False)
    model.weight.data.zero_()
    average = Average(model, decay=0.5)
    for step in range(60):
        model.weight.data.fill_(1.0)
        average.update(step)
    with average.applied():
        assert model.weight.item() == pytest.approx(1, abs=1e-6)
        assert average.state_dict()["weight"].item() == model.weight.item()
    model.weight.data.fill_(3.0)
    average.update(100)
    assert average.state_dict()["weight"].item() == pytest.approx(2, abs=1e-6)
    assert model.weight.item() == 3
    other = Average(nn.Linear(1, 1, bias=False), decay=0.5)
    other.load_state_dict(average.state_dict())
    assert other.state_dict()["weight"].item() == pytest.approx(2, abs=1e-6)


def test_the_average_copies_what_counts_whole_numbers() -> None:
    model = nn.BatchNorm1d(2)
    average = Average(model, decay=0.9)
    model.num_batches_tracked.fill_(7)
    average.update(0)
    assert average.state_dict()["num_batches_tracked"] == 7


def follow(schedule, steps: int) -> list[float]:
    seen = []
    for _ in range(steps):
        seen.append(schedule.optimizer.param_groups[0]["lr"])
        schedule.optimizer.step()
        schedule.step()
    return seen


def sgd(lr: float = 1.0) -> SGD:
    return SGD([nn.Parameter(torch.zeros(1))], lr=lr)


def test_a_cosine_falls_from_the_rate_to_the_floor() -> None:
    seen = follow(cosine(sgd(0.5), 10, floor=0.1), 11)
    assert seen[0] == 0.5 and seen[5] == pytest.approx(0.3) and seen[10] == pytest.approx(0.1)
    torch_s = torch.optim.lr_scheduler.CosineAnnealingLR(sgd(0.5), 10, eta_min=0.1)
    assert seen == pytest.approx(follow(torch_s, 11))


def test_warming_up_rises_evenly() -> None:
    assert follow(constant(sgd(), 10, warmup=3), 5) == pytest.approx([0.25, 0.5, 0.75, 1, 1])
    assert follow(cosine(sgd(), 10, warmup=3), 4) == pytest.approx([0.25, 0.5, 0.75, 1])


def test_steps_fall_where_they_are_marked() -> None:
    assert follow(stepped(sgd(), 10, at=(0.5, 0.8)), 10) == pytest.approx([1] * 5 + [0.1] * 3 + [0.01] * 2)


def test_a_run_that_goes_on_obeys_the_settings_of_now() -> None:
    first = sgd(1.0)
    schedule = cosine(first, 10)
    follow(schedule, 5)
    again = SGD([nn.Parameter(torch.zeros(1))], lr=0.2, weight_decay=0.7)
    next_schedule = cosine(again, 10)
    with renew(again, next_schedule):
        again.load_state_dict(first.state_dict())
        next_schedule.load_state_dict(schedule.state_dict())
    assert again.param_groups[0]["weight_decay"] == 0.7
    assert follow(next_schedule, 5) == pytest.approx([0.2 * rate for rate in follow(schedule, 5)])


def test_a_run_that_goes_on_unchanged_changes_nothing() -> None:
    first = sgd(0.3)
    schedule = cosine(first, 10, floor=0.01)
    follow(schedule, 5)
    again = sgd(0.3)
    next_schedule = cosine(again, 10, floor=0.01)
    with renew(again, next_schedule):
        again.load_state_dict(first.state_dict())
        next_schedule.load_state_dict(schedule.state_dict())
    assert again.state_dict() == first.state_dict() and next_schedule.state_dict() == schedule.state_dict()
