"""Files import from lower rooms and levels only, and nothing names a place of some machine."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "sbnn_np"
ROOMS = [
    "support", "datasets", "core", "bits", "engines", "engines/sliced", "export", "page", "own",
]
LEVELS = [                        # within and over rooms: a file imports from earlier sets only
    {"threads", "atomic", "gradcheck", "checks"},
    {"checkpoint"},
    {"strokes", "shapes", "download"},
    {"cifar", "mnist"},
    {"data"},
    {"reference", "quantize", "windows", "losses", "optim"},
    {"ops", "convolution", "pooling"},
    {"fast"},
    {"sparsity"},
    {"layers"},
    {"network"},
    {"train"},
    {"bitops", "frozen", "rans"},
    {"freeze", "reading", "summary"},
    {"storage"},
    {"common"},
    {"floats", "loops", "packed"},
    {"adders", "slicing"},
    {"shared_sum"},
    {"sliced_layers"},
    {"bit_sliced"},
    {"two_processes", "plain_sliced"},
    {"layouts"},
    {"row_words"},
    {"plan"},
    {"account", "c_common", "c_planes"},
    {"c_dense", "c_scores", "c_shared"},
    {"c_header", "c_places", "c_rows"},
    {"c_source"},
    {"design", "exporter"},
    {"page", "trace"},
    {"arrays"},
    {"images"},
    {"own_data"},
    {"own_training"},
    {"train_command"},
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
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
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
    allowed = set(sys.stdlib_module_names) | {"numpy"}
    allowed |= {"PIL"} if path.stem == "images" else set()
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
        told = (PACKAGE / room / "__init__.py").read_text(encoding="utf-8")
        for path in (PACKAGE / room).glob("*.py"):
            assert path.stem == "__init__" or re.search(rf"^    {path.stem} ", told, re.M), path


def without_encoding(source):
    """Lines of calls that read or write text in whatever encoding is the machine's."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or "encoding" in {word.arg for word in node.keywords}:
            continue
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        method = isinstance(node.func, ast.Attribute)
        places = {"read_text": 0, "write_text": 1}
        if method and name in places and len(node.args) <= places[name]:
            yield node.lineno
        if name in ("open", "fdopen") and not method or ast.unparse(node.func) == "os.fdopen":
            modes = node.args[1:2] + [word.value for word in node.keywords if word.arg == "mode"]
            if "b" not in "".join(getattr(mode, "value", "b") for mode in modes):
                yield node.lineno


def test_text_files_have_their_encoding():
    """The linter's rule sees `open` and `Path(...).read_text`, but not `path.read_text`."""
    planted = (
        "open(a)\nopen(a, 'w')\nopen(a, mode='r')\npath.read_text()\npath.write_text('x')\n"
        "open(a, 'rb')\nopen(a, encoding='utf-8')\npath.read_text('utf-8')\nImage.open(a)\n"
    )
    assert list(without_encoding(planted)) == [1, 2, 3, 4, 5]
    for folder in (PACKAGE, ROOT / "walkthrough", ROOT / "tests"):
        for path in folder.rglob("*.py"):
            found = list(without_encoding(path.read_text(encoding="utf-8")))
            assert found == [], f"{path}: lines {found}"


def test_every_public_definition_has_a_docstring():
    missing = []
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert ast.get_docstring(tree), path
        for node in tree.body:
            if not isinstance(node, (ast.FunctionDef, ast.ClassDef)) or node.name[0] == "_":
                continue
            if not ast.get_docstring(node):
                missing.append(f"{path.name}: {node.name}")
    assert missing == []


@pytest.mark.parametrize("room", [".", *ROOMS])
def test_functions_and_methods_describe_their_arguments(room):
    missing = []
    for path in (PACKAGE / room).glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        nodes = tree.body + [
            method for node in tree.body if isinstance(node, ast.ClassDef) for method in node.body
        ]
        for node in nodes:
            if not isinstance(node, ast.FunctionDef) or node.name[0] == "_":
                continue
            doc = ast.get_docstring(node) or ""
            names = {argument.arg for argument in node.args.args} - {"self"}
            if not doc or len(names) > 1 and not (
                "Parameters\n" in doc and names <= set(re.findall(r"\w+", doc))
            ):
                missing.append(f"{path.name}: {node.name}")
    assert missing == []


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
        text = path.read_text(encoding="utf-8")
        assert "../shared" not in text, name
        assert not re.search(r"(?<![\w.])/(home|root|work|Users)/", text), name


@pytest.mark.skipif(os.name != "posix", reason="the executable bit is POSIX")
def test_ci_runs_the_readmes_test_command():
    run = ROOT / ".ci" / "run"
    assert os.access(run, os.X_OK)
    assert subprocess.run(["bash", "-n", str(run)]).returncode == 0
