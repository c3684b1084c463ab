"""What a file of ours defines and imports, read from its text and syntax tree; see `sources`."""

import ast
import io
import tokenize
from pathlib import Path

LAB = Path(__file__).resolve().parent
HOUSES = {"sbnn_np": LAB.parents[1], "lab": LAB.parent}       # the folder that each of ours is in


class Definition:
    """What some statements define: its text, the names in it, and the strings it may look up by."""

    def __init__(self, text, statements, keys=()):
        self.text, self.keys = text, set(keys)
        nodes = [node for statement in statements for node in ast.walk(statement)]

        def all_of(kind):
            return [node for node in nodes if isinstance(node, kind)]

        names = all_of(ast.Name)
        self.local = {n.id for n in names if isinstance(n.ctx, ast.Store)}
        self.local |= {n.arg for n in all_of(ast.arg)}
        # what is only compared chooses no entry
        operands = [n for c in all_of(ast.Compare) for n in (c.left, *c.comparators)]
        compared = {id(n) for o in operands for n in (o, *getattr(o, "elts", ()))}
        self.strings = {
            n.value for n in all_of(ast.Constant)
            if isinstance(n.value, str) and id(n) not in compared
        }
        # TABLE[word], word in TABLE and ", ".join(TABLE) read entries; all else may read the whole
        by_entry = compared | {id(n.value) for n in all_of(ast.Subscript)}
        for call in all_of(ast.Call):
            by_entry |= {id(n) for n in call.args if getattr(call.func, "attr", "") == "join"}
        dotted = [n for n in all_of(ast.Attribute) if isinstance(n.value, ast.Name)]
        inner = {id(n.value) for n in dotted}
        self.uses = {(n.value.id, n.attr, id(n) in by_entry) for n in dotted}
        self.uses |= {(n.id, None, id(n) in by_entry) for n in names if id(n) not in inner}


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
        for alias in node.names if isinstance(node, (ast.Import, ast.ImportFrom)) else ():
            if isinstance(node, ast.Import):
                # `import a.file as b`; without `as` it gives but the name of the house
                first, *rest = alias.name.split(".")
                if first in HOUSES:
                    file = rest[-1] if rest and alias.asname else first
                    names[alias.asname or first] = (file, None)
                continue
            # `from a.room import file`, `from a.room.file import name`, or with dots for a
            parts = (node.module or "").split(".")
            folder = path.parents[node.level - 1] if node.level else HOUSES.get(parts[0])
            if folder:
                place = folder.joinpath(*parts)
                is_file = (place / f"{alias.name}.py").exists()
                found = (alias.name, None) if is_file else (place.name, alias.name)
                names[alias.asname or alias.name] = found
    return names
