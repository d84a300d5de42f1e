"""What the README shows can be typed as it stands."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from common.utils.paths import ROOT
from demo import options
from main import command_line
from main.experiment import load
from tool import benchmark, check_files

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def shown_commands() -> list[tuple[str, str]]:
    """(page, command) of every `sh` block, comments left out."""
    commands = []
    for page in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL):
            lines = block.replace("\\\n", " ").splitlines()
            stripped = (line.split("  #")[0].split(" # ")[0].strip() for line in lines)
            commands += [(page.name, line) for line in stripped if line and not line.startswith("#")]
    return commands


def parsers() -> dict[str, Callable[[list[str]], object]]:
    """What reads the arguments of each program, without doing what they ask."""
    return {
        "demo/demo.py": lambda words: options.parser().parse(words),
        "main/train.py": lambda words: command_line.train_parser().parse(words),
        "main/test.py": lambda words: command_line.test_parser().parse(words),
    }


@pytest.mark.parametrize("page, command", shown_commands())
def test_every_command_shown_is_one(page, command):
    words = shlex.split(command)
    while "=" in words[0]:  # what the environment sets
        words = words[1:]
    if words[0] in ("python", "torchrun"):
        words = words[1:]
        while words[0] in ("-m", "--nproc-per-node") or words[0].isdigit():
            words = words[1:]
        program = words[0] if words[0].endswith(".py") else words[0].replace(".", "/") + ".py"
        assert (ROOT / program).is_file(), f"{page} shows {program}, which is not there"
        if program in parsers():
            parsers()[program](words[1:])
    elif words[0] in ("sh", "sbatch"):
        assert (ROOT / words[1]).is_file(), f"{page} shows {words[1]}, which is not there"
        if words[1] == "main/slurm_train.sh" and len(words) > 3:
            _, count, config, *others = words[2:]
            asked = command_line.train_parser().parse(["--config", config, *others])
            assert count.isdigit() and load(asked.config, asked.overrides)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_first_two_commands_are_those_of_setup():
    first = [command for page, command in shown_commands() if page == "README.md"][:2]
    assert first == ["sh setup.sh demo", "sh setup.sh test"]


@pytest.mark.parametrize("word", ["--help", "demos"])
def test_setup_answers_without_installing_anything(word):
    done = subprocess.run(["sh", str(ROOT / "setup.sh"), word], capture_output=True, text=True, timeout=20)
    assert (done.returncode == 0) == (word == "--help")
    assert "setup" in done.stdout + done.stderr.lower()


@pytest.mark.parametrize("folder, program", [(".", "demo/demo.py"), ("demo", "demo.py"), ("main", "test.py")])
def test_programs_start_from_either_folder(folder, program):
    done = subprocess.run(
        [sys.executable, program, "--help"], cwd=ROOT / folder, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "--config" in done.stdout


def test_the_benchmark_names_what_can_be_measured(capsys):
    with pytest.raises(SystemExit):
        benchmark.main(["no_such_room"])
    assert "rasterizer" in capsys.readouterr().err


def test_check_files_says_what_is_missing_and_succeeds(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("HUMAN_MODEL_FILES", str(tmp_path))
    assert check_files.main([]) in (0, None)
    assert "SMPL" in capsys.readouterr().out
