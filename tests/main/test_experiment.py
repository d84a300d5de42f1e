"""Experiments: loaded, overridden, refused in a sentence."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest
from torch.optim import Adam

from common.utils.errors import UserError
from common.utils.paths import ROOT
from data.loading.mixture import Balanced
from main import record
from main.experiment import Experiment, find, load
from main.overrides import changed

TOY = ROOT / "tests" / "toy.py"


@pytest.mark.parametrize(
    ("text", "change"),
    [
        ("epochs=7", "3 -> 7"),
        ("epochs=1e2", "3 -> 100"),
        ("model.width=8", "16 -> 8"),
        ("model.dropout=0", "0.2 -> 0.0"),
        ("optimizer.lr=3e-5", "0.001 -> 3e-05"),
        ("optimizer.betas=(0.8,0.9)", "(0.9, 0.999) -> (0.8, 0.9)"),
        ("objective.terms.vertices.weight=50", "1.0 -> 50.0"),
        ("objective.terms.vertices.every_stage=true", "False -> True"),
        ("objective.terms.joints_2d.loss.pixels=32", "1.0 -> 32.0"),
        ("objective.terms.joints_2d.loss.kind=l2", "'l1' -> 'l2'"),
        ("train.count=12", "24 -> 12"),
        ("test.Toy.dataset.count=3", "7 -> 3"),
        ("test.Toy.count=None", None),
        ("augment.rotation=45", "30.0 -> 45.0"),
        ("clip=1", "None -> 1.0"),
        ("best=Toy/mpvpe", "None -> 'Toy/mpvpe'"),
        ("precision=bf16", "'fp32' -> 'bf16'"),
        ("prepare.largest_beta=3", "None -> 3.0"),
        ("weights.encoder=some/file.pth", "absent -> 'some/file.pth'"),
        ("learning_rates.encoder.0=1", "absent -> 1.0"),
        ("name=a name = with signs", "'toy' -> 'a name = with signs'"),
    ],
)
def test_any_value_can_be_changed_by_its_dotted_name(toy: Experiment, text: str, change: str | None) -> None:
    differences = record.differences(record.resolved(toy), record.resolved(changed(toy, text)))
    assert differences == ([f"{text.partition('=')[0]}: {change}"] if change else [])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("epochs=ten", "epochs takes a whole number, not 'ten'"),
        ("epochs=1.5", "epochs takes a whole number, not 1.5"),
        ("epochs=True", "epochs takes a whole number"),
        ("epochs=0", "epochs must be at least 1, not 0"),
        ("compile=1", "compile takes True or False"),
        ("clip=soft", "clip takes a number or None"),
        ("precision=fp16", "precision takes 'fp32' or 'tf32' or 'bf16', not 'fp16'"),
        ("epoch=3", "did you mean 'epochs'"),
        ("optimiser.lr=1", "did you mean 'optimizer'"),
        ("model.widht=8", r"model \(ToyModel\) has no 'widht'; did you mean 'width'"),
        ("objective.terms.vertice.weight=1", "did you mean 'vertices'"),
        ("objective.terms.vertices.wait=1", "did you mean 'weight'"),
        ("train.split=1", r"train \(ToyPersons\) has no 'split'; there is name, count, broken"),
        ("test.EHF.count=1", "test .*has no 'EHF'"),
        ("optimizer=SGD", r"optimizer \(Adam\) is no single value; .*optimizer\.lr"),
        ("model.width=wide", "model.width takes a whole number, not 'wide'"),
        ("weights.encoder=3", "weights.encoder takes a path, not 3"),
        ("epochs", "not of the form key=value"),
        ("=3", "not of the form key=value"),
    ],
)
def test_what_cannot_be_changed_is_said_in_a_sentence(toy: Experiment, text: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        changed(toy, text)


@dataclass(frozen=True)
class Inner:
    values: tuple[int, ...] = (1, 2)
    name: str | None = None
    nested: dict = field(default_factory=dict)


def test_values_of_several_kinds_are_read_as_such() -> None:
    assert changed(Inner(), "values=[3,4]").values == (3, 4)
    assert changed(Inner(), "name=3 words here").name == "3 words here"
    assert changed(Inner(name="a"), "name=None").name is None
    assert changed([Inner(), Inner()], "1.name=b")[1].name == "b"
    assert changed(partial(Adam, lr=1.0), "weight_decay=1").keywords == {"lr": 1.0, "weight_decay": 1}
    assert changed(Balanced([Inner()], total=3), "total=5").total == 5


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_config_is_found_from_the_caller_s_folder_first(tmp_path: Path, monkeypatch) -> None:
    here = write(tmp_path / "tests" / "toy.py", TOY.read_text())
    assert find("tests/toy.py") == TOY
    monkeypatch.chdir(tmp_path)
    assert find("tests/toy.py") == here and find("tests/toy") == here
    monkeypatch.chdir(ROOT / "main")
    assert find("tests/toy.py") == TOY and find("../tests/toy.py") == TOY
    assert find(str(TOY)) == TOY


def test_configs_of_the_house_are_found_below_config_or_by_their_bare_name() -> None:
    known = sorted(path for path in (ROOT / "config").rglob("*.py") if path.name != "__init__.py")
    names = [path.name for path in known]
    for path in known:
        assert find(path.relative_to(ROOT)) == find(path.relative_to(ROOT / "config")) == path
        if names.count(path.name) == 1:
            assert find(path.name) == find(path.stem) == find(f"config_{path.name}") == path


def test_an_unknown_config_is_answered_with_the_nearest(tmp_path: Path, monkeypatch) -> None:
    with pytest.raises(UserError, match="There is no config nowhere/to_be_found"):
        find("nowhere/to_be_found.py")
    monkeypatch.setattr("main.experiment.ROOT", tmp_path)
    monkeypatch.setattr("common.utils.paths.ROOT", tmp_path)
    write(tmp_path / "config/osx/osx_l.py", "")
    with pytest.raises(UserError, match=r"did you mean 'config/osx/osx_l.py'"):
        find("config/osx/osx_i.py")
    with pytest.raises(UserError, match=r"did you mean 'config/osx/osx_l.py'"):
        find("somewhere/osx_l.py")
    write(tmp_path / "config/other/osx_l.py", "")
    with pytest.raises(UserError, match="several configs"):
        find("osx_l.py")


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (("epochs=3", 'epochs="ten"'), "epochs takes a whole number, not 'ten'"),
        (("epochs=3", "epochs=3,\n    batchsize=4"), "line .*batchsize"),
        (("width=16", "sise=16"), r"model \(ToyModel\) takes no 'sise'"),
        (("Term(1.0, Vertices())", "Term(1.0, Vertices(relativ=True))"), "line .*relativ"),
        (
            ("from main.schedules import cosine", "from main.schedules import cosin"),
            "line 25: ImportError: cannot import name 'cosin'",
        ),
        (("experiment = Experiment(", "experimant = Experiment("), "defines no `experiment"),
        (("experiment = Experiment(", "experiment = = Experiment("), "line .*SyntaxError"),
        (("partial(ToyModel, width=16)", "1 / 0"), "line .*ZeroDivisionError"),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else "",
)
def test_a_broken_config_is_one_sentence_with_its_line(tmp_path: Path, edit, sentence: str) -> None:
    source = TOY.read_text()
    assert edit[0] in source
    path = write(tmp_path / "broken.py", source.replace(*edit, 1))
    with pytest.raises(UserError, match=sentence) as caught:
        load(path)
    assert "\n" not in str(caught.value).strip()


def test_overrides_are_applied_in_turn() -> None:
    assert load(TOY, ["epochs=5", "name=a", "epochs=6"]).epochs == 6
