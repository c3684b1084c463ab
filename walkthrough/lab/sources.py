"""Which sources decide a result: the digest that every result file carries."""

import ast
import hashlib
import io
import re
import tokenize
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
PACKAGE = FOLDER.parents[1] / "sbnn_np"
START = (("experiment", "run"), ("experiment", "Recipe"))
SCRIPTS = ("experiment", "recipes", "curves", "models")   # beside the package's files


def digest(start=START):
    """SHA-256 of every definition that a run can reach, comments and docstrings left out.

    So a result is called stale when something that decides it has changed (but for the data),
    and not for a better comment.

    Parameters
    ----------
    start : tuple of (file, name)
        Definitions to begin with, such as ("experiment", "run").

    Returns
    -------
    digest : str
    """
    found = reached(start)
    text = "\n".join(f"{file}.py: {found[file, name]}" for file, name in sorted(found))
    return hashlib.sha256(text.encode()).hexdigest()


def reached(start=START):
    """Every definition that some lead to.

    In a definition's text each `name` that is defined at the top level of the same file, or
    imported into it, leads on to that definition, and so does each `module.name`.

    Returns
    -------
    found : dict
        From (file, name) to text.
    """
    files = {name: (FOLDER / f"{name}.py").read_text(encoding="utf-8") for name in SCRIPTS}
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.stem != "__init__":
            files[path.stem] = path.read_text(encoding="utf-8")
    definitions = {stem: dict(top_level(source)) for stem, source in files.items()}
    known = {stem: imported(source) for stem, source in files.items()}
    found, ahead = {}, list(start)
    while ahead:
        file, name = ahead.pop()
        if (file, name) in found or name not in definitions.get(file, ()):
            continue
        found[file, name] = definitions[file][name]
        for first, second in re.findall(r"(\w+)(?:\.(\w+))?", definitions[file][name]):
            module, named = known[file].get(first, (file, first))
            ahead.append((module, named or second))
    return found


def imported(source):
    """What a source imports of ours, by its name there: (module, None or name)."""
    names = {}
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.ImportFrom):
            continue
        first, *rooms = node.module.split(".")
        if first not in ("sbnn_np", "lab"):
            continue
        for alias in node.names:
            # `from a.room import module` or `from a.room.module import name`
            house = FOLDER.parent if first == "lab" else PACKAGE.parent
            is_module = house.joinpath(first, *rooms, f"{alias.name}.py").exists()
            names[alias.name] = (alias.name, None) if is_module else (rooms[-1], alias.name)
    return names


def top_level(source):
    """Yield name and text of each top-level function, class and constant of a source."""
    lines = source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node):
            doc = node.body[0]
            lines[doc.lineno - 1 : doc.end_lineno] = [""] * (doc.end_lineno - doc.lineno + 1)
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            names = [n.id for n in ast.walk(node) if isinstance(n, ast.Name)][:1]
        else:
            continue
        first = min([node.lineno] + [d.lineno for d in getattr(node, "decorator_list", [])])
        text = "\n".join(line.rstrip() for line in lines[first - 1 : node.end_lineno])
        for name in names:
            yield name, re.sub(r"\n+", "\n", text)
