"""The rules of the architecture, checked on the imports themselves."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LIBRARY = ("peft", "transformers", "accelerate")
"""What computes a few strategies, and what it brings along: for their runs alone."""
HEAVY = ("torch", "torchvision", "timm", *LIBRARY)
FAMILIES = ("backbones", "datasets", "strategies", "scores")
MAX_LINES = 400
TOP_LEVEL = {
    *(
        "pyproject.toml",
        "README.md",
        "dashboard",
        "engine",
        "tests",
        "assets",
        ".streamlit",
        ".ci",
        ".gitignore",
        "LICENSE",
    )
}


def files(folder: str) -> list[Path]:
    return sorted(path for path in (ROOT / folder).rglob("*.py") if "__pycache__" not in path.parts)


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def imports(path: Path, *, at_start_only: bool = False) -> frozenset[str]:
    """Full names that a file imports: modules, and what `from module import name` takes out of them.

    With `at_start_only`, what importing the file itself imports: not the bodies of functions, not type checking.
    """
    package = module_of(path).split(".")
    package = package if path.name == "__init__.py" else package[:-1]
    found: set[str] = set()

    def look(node: ast.AST) -> None:
        if at_start_only:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                return
            if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
                return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join([*package[: len(package) - node.level + 1], *([node.module] if node.module else [])])
            found.add(base)
            found.update(f"{base}.{alias.name}" for alias in node.names)
        for child in ast.iter_child_nodes(node):
            look(child)

    look(ast.parse(path.read_text(encoding="utf-8")))
    return frozenset(found)


def reach(names: frozenset[str], forbidden: tuple[str, ...]) -> list[str]:
    return sorted(name for name in names if any(name == one or name.startswith(one + ".") for one in forbidden))


def wrong(folder: str, forbidden: tuple[str, ...], **options: bool) -> dict[str, list[str]]:
    """Files of a folder that import what they must not, with what."""
    found = {str(path.relative_to(ROOT)): reach(imports(path, **options), forbidden) for path in files(folder)}
    return {path: names for path, names in found.items() if names}


def ours(path: Path) -> set[str]:
    """Modules of ours that a file imports, by file name of the engine: `engine.spec`, not `engine.spec.RunSpec`."""
    named = {module_of(other) for other in files("engine")}
    return {name for name in imports(path) if name in named and name != "engine"}


def test_the_engine_knows_no_screen():
    assert wrong("engine", ("streamlit", "plotly", "dashboard", "starlette")) == {}


def test_the_dashboard_never_imports_torch():
    assert wrong("dashboard", HEAVY) == {}
    inner = (
        "engine.execute",
        "engine.prepare",
        "engine.train",
        "engine.worker",
        "engine.features",
        "engine.depths",
        "engine.batches",
    )
    assert wrong("dashboard", inner) == {}


def test_figures_see_data_and_plotly_only():
    assert wrong("dashboard/figures", ("streamlit", "dashboard.state", "dashboard.widgets", "dashboard.views")) == {}
    for path in files("dashboard/figures"):
        # Intervals, comparisons and crossings are statistics, budgets are words: none has a screen.
        statistics = {"engine.stats", "engine.comparisons", "engine.crossings", "engine.learning_means"}
        assert {name for name in ours(path)} <= {*statistics, "engine.budgets"}, path


def test_layers_of_the_dashboard():
    upward = {
        "dashboard/state.py": ("dashboard.widgets", "dashboard.views", "dashboard.app"),
        "dashboard/widgets": ("dashboard.views", "dashboard.app"),
        "dashboard/views": ("dashboard.app",),
    }
    for place, forbidden in upward.items():
        paths = [ROOT / place] if place.endswith(".py") else files(place)
        for path in paths:
            assert reach(imports(path), forbidden) == [], path


def test_streamlits_caches_are_in_one_file():
    for path in files("dashboard"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        used = {
            node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr.startswith("cache_")
        }
        assert not used & {"cache_data", "cache_resource"} or path == ROOT / "dashboard" / "state.py", path


def test_no_folder_is_named_pages():
    # Streamlit turns such a folder into navigation of its own.
    assert [path for path in (ROOT / "dashboard").rglob("pages") if path.is_dir()] == []


@pytest.mark.parametrize("family", FAMILIES)
def test_families_never_import_each_other(family):
    others = tuple(f"engine.{other}" for other in FAMILIES if other != family)
    above = ("engine.execute", "engine.prepare", "engine.train", "engine.worker", "engine.tasks", "engine.task_queue")
    assert wrong(f"engine/{family}", (*others, *above)) == {}


def test_the_lower_layers_of_the_engine():
    allowed = {
        "errors": set(),
        "seeding": set(),
        "control": set(),
        "checks": {"engine.errors"},
        "events": {"engine.errors", "engine.checks"},
        "registry": {"engine.errors"},
        "budgets": {"engine.errors", "engine.checks"},
        "search_fields": {"engine.errors", "engine.checks"},
        "spec_base": {"engine.errors", "engine.checks"},
        "spec_fields": {"engine.errors", "engine.checks", "engine.budgets"},
        "train_spec": {"engine.checks", "engine.spec_base"},
        "spec": {
            *("engine.errors", "engine.checks", "engine.budgets", "engine.search_fields"),
            *("engine.spec_base", "engine.spec_fields", "engine.train_spec"),
        },
        "home": {"engine.errors"},
        "schema": {"engine.errors"},
        "stats": {"engine.errors"},
    }
    for name, below in allowed.items():
        assert ours(ROOT / "engine" / f"{name}.py") <= below, name


def test_the_store_and_what_starts_workers_are_below_the_frames_and_know_no_computation():
    computation = {
        f"engine.{name}" for name in ("execute", "prepare", "train", "depths", "features", "batches", "checkpoints")
    }
    for name in ("store", "leases", "launch", "frames", "service", "plan", "cost"):
        used = ours(ROOT / "engine" / f"{name}.py")
        assert not used & computation, name
        assert "engine.worker" not in used
    for name in ("store", "leases", "launch", "plan"):
        assert "engine.frames" not in ours(ROOT / "engine" / f"{name}.py")


def test_heavy_imports_come_late_in_what_the_dashboard_reads():
    """Of every engine module the dashboard can reach, none imports torch when it is imported itself."""
    start = {module_of(path): imports(path, at_start_only=True) for path in files("engine")}
    seen: set[str] = set()
    waiting = {name for path in files("dashboard") for name in ours(path)} | {"engine"}
    while waiting:
        name = waiting.pop()
        seen.add(name)
        assert reach(start[name], HEAVY) == [], f"{name} imports {reach(start[name], HEAVY)}"
        waiting |= {other for other in start[name] if other in start} - seen


def loaded_by(code: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print([m for m in {HEAVY!r} if m in sys.modules])"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return ast.literal_eval(done.stdout.splitlines()[-1])


def test_importing_the_engine_loads_no_torch():
    assert loaded_by("import engine, engine.service, engine.frames, engine.cli, engine.presets") == []


def test_importing_the_dashboard_loads_no_torch():
    """Every module of the dashboard that is no script: views and the app run when imported."""
    modules = [
        module_of(path)
        for path in files("dashboard")
        if "views" not in path.parts and path.name not in ("app.py", "__main__.py")
    ]
    assert len(modules) > 5
    assert loaded_by(f"import importlib\nfor name in {modules!r}: importlib.import_module(name)") == []


def test_planning_and_pricing_the_presets_load_no_torch(tmp_path):
    code = (
        "from pathlib import Path\nfrom engine.plan import plan\nfrom engine.presets import PRESETS\n"
        "from engine.service import open_store, price\n"
        f"store = open_store({str(tmp_path)!r})\n"
        "[price(store, plan(preset.spec)) for preset in PRESETS]"
    )
    assert loaded_by(code) == []


def test_the_library_of_low_rank_is_imported_by_one_file_and_late():
    assert wrong("engine", LIBRARY, at_start_only=True) == {}
    assert set(wrong("engine", LIBRARY)) == {str(Path("engine", "tuning", "_peft.py"))}


def test_only_runs_of_its_strategies_load_the_library_of_low_rank():
    """Every tuning imported and another strategy run; that theirs load it, test_low_rank.py shows."""
    # zero_shot is left out: open_clip, which builds text towers, imports transformers by itself where it is installed.
    code = (
        "import importlib, pkgutil, engine.tuning, engine.worker\n"
        "for one in pkgutil.iter_modules(engine.tuning.__path__):\n"
        "    one.name == 'zero_shot' or importlib.import_module(f'engine.tuning.{one.name}')\n"
        "from engine.device import cpu\nfrom engine.execute import execute\nfrom engine.spec import RunSpec, TrainSpec\n"
        "train = TrainSpec(epochs=1, precision='float32')\n"
        "run = RunSpec('plain8_cifar10', 'digits', 'partial_fine_tuning', 6, 0, 20, 'random', (), train)\n"
        "for _ in execute(run, cpu()): pass"
    )
    found = loaded_by(code)
    assert "torch" in found
    assert not {*LIBRARY} & {*found}


def test_the_top_level_is_as_designed():
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode:  # an unpacked archive
        names = {path.name for path in ROOT.iterdir() if path.name in TOP_LEVEL}
    else:
        names = {line.partition("/")[0] for line in tracked.stdout.splitlines()}
    assert names <= TOP_LEVEL
    assert {"pyproject.toml", "README.md", "dashboard", "engine", "tests", "assets"} <= names


@pytest.mark.parametrize("folder", ["engine", "dashboard"])
def test_no_file_grows_into_a_monster(folder):
    lines = {str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in files(folder)}
    assert {path: n for path, n in lines.items() if n > MAX_LINES} == {}


def test_every_module_says_what_it_is_for():
    silent = [
        str(path.relative_to(ROOT))
        for folder in ("engine", "dashboard")
        for path in files(folder)
        if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert silent == []


def test_this_file_finds_what_it_looks_for(tmp_path):
    """The looks themselves: a hidden import is found, a late one is not taken for an early one."""
    sample = ROOT / "engine" / "train.py"
    assert reach(imports(sample), HEAVY)
    assert importlib.util.find_spec("engine.train") is not None
    late = ROOT / "engine" / "device.py"
    assert reach(imports(late), HEAVY)
    assert not reach(imports(late, at_start_only=True), HEAVY)
