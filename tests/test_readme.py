"""The README is the map: what it names exists, and what exists in the registries is named."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from engine.cli import _parser
from engine.presets import PRESETS
from engine.scores import SCORES
from engine.strategies import STRATEGIES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def quoted(text: str) -> set[str]:
    return set(re.findall(r"`([a-z0-9_]+)`", text))


def test_every_strategy_is_in_the_table_and_nothing_else():
    table = "\n".join(line for line in section("Strategies").splitlines() if line.startswith("|"))
    assert quoted(table) == set(STRATEGIES.names())


def test_every_score_is_in_the_table_and_nothing_else():
    table = "\n".join(line for line in section("Scores").splitlines() if line.startswith("|"))
    assert quoted(table) == set(SCORES.names())


def in_the_tree() -> list[tuple[str, str]]:
    """(folder, file or folder in it) of everything that the annotated tree names."""
    tree = README.partition("\nengine/                  no screen")[2].partition("\n```")[0]
    folder, named = "engine", []
    for line in tree.splitlines():
        if match := re.match(r"(\S+/)(?: |$)", line):
            folder = match[1].rstrip("/") if match[1] in ("engine/", "dashboard/") else ""
        if folder and line.startswith("  "):
            words = re.split(r"\s{2,}", line.strip())[0].split()
            named += [(folder, word) for word in words if word.endswith((".py", "/"))]
    return named


def test_the_tree_names_files_that_exist_each_once():
    named = in_the_tree()
    assert len(named) > 100
    assert [f"{folder}/{word}" for folder, word in named if not (ROOT / folder / word).exists()] == []
    assert sorted(named) == sorted(set(named))


def test_the_tree_names_every_file_of_the_engine_and_of_the_dashboard():
    there = {(folder, file.name) for folder in ("engine", "dashboard") for file in (ROOT / folder).glob("*.py")}
    assert there - set(in_the_tree()) == {(folder, "__init__.py") for folder in ("engine", "dashboard")}
    folders = {
        (folder, f"{one.parent.name}/")
        for folder in ("engine", "dashboard")
        for one in (ROOT / folder).glob("*/__init__.py")
    }
    assert folders <= set(in_the_tree())


def test_commands_and_presets_exist():
    commands = set(_parser()._subparsers._group_actions[0].choices)
    shown = set(re.findall(r"-m engine ([a-z]+)", README))
    assert shown <= commands
    assert commands <= shown | quoted(section("Command line"))
    assert set(re.findall(r"--(?:preset|toml) ([a-z_]+)", README)) <= set(PRESETS.names())


def test_linked_files_exist():
    assert [link for link in re.findall(r"\]\((assets/[^)]+)\)", README) if not (ROOT / link).is_file()] == []
    assert [link for link in re.findall(r'src(?:set)?="([^"]+)"', README) if not (ROOT / link).is_file()] == []


def test_the_python_is_a_spec_that_can_be_made():
    code = section("Python").partition("```python")[2].partition("```")[0]
    made = {}
    exec(code.partition("experiment_id =")[0], made)
    assert made["spec"].label_budgets == (100, "5/class")


def test_the_commands_of_the_first_page_are_those_of_the_project():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "test" in extras["optional-dependencies"]
    assert "transferscope" in extras["scripts"]
    assert re.search(r"^python3 -m venv \.venv && .*pip install -e \"\.\[test\]\" && \.venv/bin/pytest$", README, re.M)
    assert re.search(r"^python3 -m venv \.venv && .*pip install -e \. && \.venv/bin/transferscope$", README, re.M)
