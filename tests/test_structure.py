"""Files import from lower levels only, and every command and path of the README holds."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "sbnn_np"
ROOMS = ["support", "datasets", "core", "bits", "engines", "engines/sliced"]
LEVELS = [                        # within and over rooms: a file imports from earlier sets only
    {"threads", "atomic", "gradcheck"},
    {"checkpoint"},
    {"strokes", "shapes", "download"},
    {"cifar"},
    {"data"},
    {"reference", "quantize", "windows", "losses", "optim"},
    {"ops", "convolution", "pooling"},
    {"fast"},
    {"sparsity"},
    {"layers"},
    {"network"},
    {"train"},
    {"bitops", "frozen", "rans"},
    {"freeze", "storage", "summary"},
    {"design"},
    {"common"},
    {"floats", "loops", "packed"},
    {"adders", "slicing"},
    {"shared_sum"},
    {"sliced_layers"},
    {"bit_sliced"},
    {"two_processes", "plain_sliced"},
]
LEVEL = {name: level for level, names in enumerate(LEVELS) for name in names}
FILES = sorted(path for path in PACKAGE.rglob("*.py") if path.stem != "__init__")


def room_of(path):
    return path.parent.relative_to(PACKAGE).as_posix()


def imports(path):
    """What a file imports: top-level names outside of the package, and files (room, stem) inside.

    Every import of the package must resolve to a file or to a definition in one.
    """
    outside, inside = set(), set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            outside |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "sbnn_np":
            place = ROOT.joinpath(*node.module.split("."))
            for alias in node.names:
                file = place.with_suffix(".py") if place.with_suffix(".py").exists() else (
                    place / f"{alias.name}.py"
                )
                assert file.exists(), f"{path}: no {node.module}.{alias.name}"
                inside.add((room_of(file), file.stem))
        elif isinstance(node, ast.ImportFrom):
            outside.add(node.module.split(".")[0])
    return outside, inside


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_imports_only_from_lower_rooms_and_levels(path):
    outside, inside = imports(path)
    entry = path.parent == PACKAGE
    allowed = set(sys.stdlib_module_names) | {"numpy"} | ({"PIL"} if entry else set())
    assert outside <= allowed
    assert "pickle" not in outside
    if entry:
        return
    for room, stem in inside:
        assert ROOMS.index(room) <= ROOMS.index(room_of(path)), f"{path.stem} imports {room}"
        assert LEVEL[stem] < LEVEL[path.stem], f"{path.stem} imports {stem}"


def test_stems_are_unique_and_rooms_name_their_files():
    stems = [path.stem for path in FILES]
    assert len(stems) == len(set(stems))
    for room in ROOMS:
        told = (PACKAGE / room / "__init__.py").read_text()
        for path in (PACKAGE / room).glob("*.py"):
            assert path.stem == "__init__" or re.search(rf"^    {path.stem} ", told, re.M), path


def test_every_public_definition_has_a_docstring():
    missing = []
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text())
        assert ast.get_docstring(tree), path
        for node in tree.body:
            if not isinstance(node, (ast.FunctionDef, ast.ClassDef)) or node.name[0] == "_":
                continue
            if not ast.get_docstring(node):
                missing.append(f"{path.name}: {node.name}")
    assert missing == []


# the README


@pytest.fixture(scope="module")
def readme():
    return (ROOT / "README.md").read_text()


def block_after(readme, words):
    """The code block that follows a line of the README."""
    return re.search(re.escape(words) + r".*?```\w*\n(.*?)```", readme, re.DOTALL).group(1)


@pytest.mark.parametrize("title, lines", [("## In a dozen lines", 11), ("## As bits", 12)])
def test_the_library_examples_print_what_the_readme_says(readme, title, lines, tmp_path):
    code = block_after(readme, title)
    expected = block_after(readme[readme.index(title) :], "\nprints")
    assert len([line for line in code.splitlines() if line.strip()]) == lines
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == expected


def test_the_commands_are_one_line_each_and_end_as_they_should(readme):
    commands = [line for line in readme.splitlines() if line.startswith("python3 -m venv")]
    assert [command.split("&& ")[-1] for command in commands] == [
        ".venv/bin/python walkthrough/01_mlp_mnist.py", ".venv/bin/python -m pytest",
    ]
    for command in commands:
        assert subprocess.run(["bash", "-n", "-c", command]).returncode == 0


def test_the_front_page_is_short(readme):
    assert len(readme.splitlines()) <= 150 and len(readme.split()) <= 1300


PAGES = ["README.md", "figures/README.md", "walkthrough/README.md"]


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page):
    text = (ROOT / page).read_text()
    found = re.findall(r"\]\(([^)]+)\)", text)
    assert found
    for target in found:
        if not target.startswith("http"):
            assert ((ROOT / page).parent / target).exists(), target


def test_a_link_that_names_a_definition_leads_to_it(readme):
    links = re.findall(r"\[`(\w+)\.(\w+)`\]\(([^)]+)\)", readme)
    for file, name, target in links:
        path = ROOT / target
        assert path.stem == file, target
        tops = [node.name for node in ast.parse(path.read_text()).body if hasattr(node, "name")]
        assert name in tops, f"{target} has no {name}"
    for wanted in ("quantize", "ops", "sparsity", "bitops", "storage", "freeze", "train"):
        assert wanted in {file for file, _, _ in links}
    assert ("quantize", "straight_through") in {(file, name) for file, name, _ in links}


def test_the_front_page_table_is_of_committed_numbers(readme):
    race = json.loads((ROOT / "figures" / "03_bits_and_bytes.json").read_text())["race"]
    lines = [line for line in readme.splitlines() if re.match(r"\| (0/1|\+-1)", line)]
    assert len(lines) == 4
    told = {
        f"| {r['method']} | {'-' if r['density'] is None else '%.2f%%' % (100 * r['density'])} "
        f"| {100 * r['test_accuracy']:.2f} | {r['file_bytes']:,} |"
        for r in race if r["architecture"] == "784-512-512-10" and r["inputs"] == "bits"
    }
    assert set(lines) <= told


def test_the_commands_of_the_front_page_run(readme):
    commands = re.findall(r"^\.venv/bin/python -m (sbnn_np .*)$", readme, re.M)
    assert len(commands) == 2
    for command in commands:
        done = subprocess.run(
            [sys.executable, "-m", *command.split()], capture_output=True, text=True, cwd=ROOT
        )
        assert done.returncode == 0 and done.stdout, done.stderr


def test_nothing_names_a_place_of_some_machine():
    if not (ROOT / ".git").exists():
        pytest.skip("git lists the files, and this is no clone")
    listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True, cwd=ROOT).stdout
    assert "README.md" in listed.splitlines()
    for name in listed.splitlines():
        path = ROOT / name
        exempt = name in (".ci/run", "tests/test_structure.py")
        if path.suffix in (".png", ".sbnn") or exempt or not path.exists():
            continue
        text = path.read_text()
        assert "../shared" not in text, name
        assert not re.search(r"(?<![\w.])/(home|root|work|Users)/", text), name


@pytest.mark.skipif(os.name != "posix", reason="the executable bit is POSIX")
def test_ci_runs_the_readmes_test_command():
    run = ROOT / ".ci" / "run"
    assert os.access(run, os.X_OK)
    assert subprocess.run(["bash", "-n", str(run)]).returncode == 0
