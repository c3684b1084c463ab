"""Which sources decide a result: the digest that every result carries.

A result is stale when something that decides it has changed, but for the data, and only then. So
its digest is over the definitions that its recipe leads to, without comments and docstrings:

    - a definition leads to every name in it that its file defines, or imports from files of ours;
    - a table, which is a dict at the top of a file whose keys are all strings, leads to the entries
      whose key is one of the recipe's words, or a string in a definition that counts already.

So another rule, method or optimizer is one more entry of its table, and leaves all results fresh.
"""

import ast
import hashlib
import io
import tokenize
from functools import lru_cache
from pathlib import Path

LAB = Path(__file__).resolve().parent
ROOT = LAB.parents[1]
SCRIPTS = ("experiment", "recipes", "curves", "models")       # beside the package's files
# a recipe's fields count by their values; so of its class only the methods that a run calls count
START = (("experiment", "run"), ("experiment", "Recipe.augment"), ("experiment", "Recipe.budget"))


@lru_cache
def digest(words, start=START):
    """SHA-256 of all that some words lead to, and of the words.

    Parameters
    ----------
    words : frozenset of str
        What recipes choose by name; see `experiment.Recipe.words`.
    start : tuple of (file, name)
        Definitions to begin with, such as ("experiment", "run").

    Returns
    -------
    digest : str

    Raises
    ------
    LookupError
        If a word is a key of no table on the way, or a name of ours is defined nowhere.
    """
    found = reached(words, start)
    text = [f"{file}.py: {name}: {found[file, name]}" for file, name in sorted(found)]
    return hashlib.sha256("\n".join([*sorted(words), *text]).encode()).hexdigest()


def reached(words, start=START):
    """Every definition, and every entry of a table, that words lead to: (file, name) to text."""
    wanted, before = set(words), None
    while before != wanted:                                   # entries have strings of their own
        before, found, keys, ahead = set(wanted), {}, set(), list(start)
        while ahead:
            file, name = ahead.pop()
            if (file, name) in found:
                continue
            if name not in FILES.get(file, {}):
                raise LookupError(f"{file}.{name} is used, but defined in no file that counts")
            definition = FILES[file][name]
            found[file, name] = definition.text
            here = definition.keys & before
            ahead += [(file, f"{name}[{key!r}]") for key in here] + definition.leads_to(file)
            wanted |= definition.strings
            keys |= here
    for word in sorted(words):
        if word not in keys:
            raise LookupError(f"{word!r} is a key of no table that a run reads")
    return found


class Definition:
    """What some statements define: their text, the names they use, and strings to look up by."""

    def __init__(self, text, statements, keys=()):
        self.text, self.keys = text, set(keys)
        nodes = [node for statement in statements for node in ast.walk(statement)]
        names = [n for n in nodes if isinstance(n, ast.Name)]
        dotted = [n for n in nodes if isinstance(n, ast.Attribute) and n.value in names]
        inner = {id(n.value) for n in dotted}
        self.uses = {(n.value.id, n.attr) for n in dotted}
        self.uses |= {(n.id, None) for n in names if id(n) not in inner}
        self.local = {n.id for n in names if isinstance(n.ctx, ast.Store)}
        self.local |= {n.arg for n in nodes if isinstance(n, ast.arg)}
        # what is only compared chooses no entry
        compared = {id(n) for c in nodes if isinstance(c, ast.Compare) for n in ast.walk(c)}
        self.strings = {
            n.value for n in nodes
            if isinstance(n, ast.Constant) and isinstance(n.value, str) and id(n) not in compared
        }

    def leads_to(self, file):
        """The definitions that this one, of a file, uses: a list of (file, name)."""
        found = []
        for first, second in self.uses:
            module, name = IMPORTED[file].get(first, (file, None))
            name = name or second if first in IMPORTED[file] else first
            if name in FILES.get(module, {}):
                found.append((module, name))
                if second in ("items", "values"):             # whoever reads a whole table
                    found += [(module, f"{name}[{key!r}]") for key in FILES[module][name].keys]
            elif first in IMPORTED[file] and first not in self.local and module != "sources":
                raise LookupError(f"{file}.py uses {first}.{second}, which no file here defines")
        return found


def read(path):
    """What a file defines at its top: a Definition by name, and of a method by class.method."""
    source = path.read_text(encoding="utf-8")
    tree, lines = ast.parse(source), source.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node):
            doc = node.body.pop(0)
            lines[doc.lineno - 1 : doc.end_lineno] = [""] * (doc.end_lineno - doc.lineno + 1)

    def definition(*nodes):
        rows = []
        for node in nodes:
            first = min(n.lineno for n in (node, *getattr(node, "decorator_list", ())))
            rows += lines[first - 1 : node.end_lineno]
        return Definition("\n".join(row.rstrip() for row in rows if row.strip()), nodes)

    statements, found = {}, {}
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        names = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
        stored = {n.id for n in names if isinstance(n.ctx, ast.Store)}
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            stored = {node.name}
        # what defines nothing, such as TABLE["key"] = value, belongs to what it names
        for name in stored or {n.id for n in names} & statements.keys():
            statements.setdefault(name, []).append(node)
        for part in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(part, ast.FunctionDef):
                found[f"{node.name}.{part.name}"] = definition(part)
    for name, nodes in statements.items():
        value = getattr(nodes[0], "value", None)
        keys = value.keys if isinstance(value, ast.Dict) else ()
        keys = [getattr(key, "value", None) for key in keys]
        if keys and len(nodes) == 1 and all(isinstance(key, str) for key in keys):
            found[name] = Definition("a table", (), keys)
            for key, node in zip(keys, value.values):
                text = ast.get_source_segment("\n".join(lines), node)
                found[f"{name}[{key!r}]"] = Definition(text, [node])
        else:
            found[name] = definition(*nodes)
    return found


def imported(path):
    """What a file imports of ours: from its name there to (file, None) or (file, name)."""
    names = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first, *rest = alias.name.split(".")
                if first in ("sbnn_np", "lab"):
                    # without `as`, a dotted import gives but the name of the house
                    file = rest[-1] if rest and alias.asname else first
                    names[alias.asname or first] = (file, None)
        elif isinstance(node, ast.ImportFrom):
            folder = path.parents[node.level - 1] if node.level else None
            parts = (node.module or "").split(".")
            if folder is None and parts[0] in ("sbnn_np", "lab"):
                folder = LAB.parent if parts[0] == "lab" else ROOT
            if folder is None:
                continue
            place = folder.joinpath(*parts)
            for alias in node.names:
                # `from a.room import file` or `from a.room.file import name`
                is_file = (place / f"{alias.name}.py").exists()
                names[alias.asname or alias.name] = (
                    (alias.name, None) if is_file else (place.name, alias.name)
                )
    return names


PATHS = [path for path in sorted((ROOT / "sbnn_np").rglob("*.py")) if path.stem != "__init__"]
PATHS += [LAB / f"{name}.py" for name in SCRIPTS]
FILES = {path.stem: read(path) for path in PATHS}
IMPORTED = {path.stem: imported(path) for path in PATHS}
