"""Which sources decide a result: the digest that every result carries.

A result is called stale when source text that its run can reach has changed. Data, NumPy and the
machine are not looked at; a result file names their versions. So its digest is over the
definitions that its recipe leads to, without comments and docstrings:

    - a definition leads to every name in it that its file defines, or imports from files of ours;
    - a table, which is a dict at the top of a file whose keys are all strings, leads to the entries
      whose key is one of the recipe's words, or a string in a definition that counts already.

So another rule, method or optimizer is one more entry of its table, and leaves all results fresh.
"""

import hashlib
from functools import lru_cache

from lab.definitions import HOUSES, LAB, imported, read

# files that count beside the package's
SCRIPTS = ("experiment", "variants", "recipes", "curves", "models")
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
    defined, _ = files()
    wanted, before = set(words), None
    while before != wanted:                                   # entries have strings of their own
        before, found, keys, ahead = set(wanted), {}, set(), list(start)
        while ahead:
            file, name = ahead.pop()
            if (file, name) in found:
                continue
            if name not in defined.get(file, {}):
                raise LookupError(f"{file}.{name} is used, but defined in no file that counts")
            definition = defined[file][name]
            found[file, name] = definition.text
            here = definition.keys & before
            ahead += [(file, f"{name}[{key!r}]") for key in here] + leads_to(file, name)
            wanted |= definition.strings
            keys |= here
    for word in sorted(words):
        if word not in keys:
            raise LookupError(f"{word!r} is a key of no table that a run reads")
    return found


def leads_to(file, name):
    """The definitions that one of a file uses: a list of (file, name)."""
    defined, imports = files()
    definition, found = defined[file][name], []
    for first, second, by_entry in definition.uses:
        module, named = imports[file].get(first, (file, None))
        named = named or second if first in imports[file] else first
        if named in defined.get(module, {}):
            found.append((module, named))
            if not by_entry:
                found += [(module, f"{named}[{key!r}]") for key in defined[module][named].keys]
        elif first in imports[file] and first not in definition.local and module != "sources":
            raise LookupError(f"{file}.py uses {first}.{second}, which no file here defines")
    return found


@lru_cache
def files():
    """The definitions of all files that can count, and what these import: two dicts by stem.

    Read when the first digest is asked for, since it takes a second.
    """
    paths = [LAB / f"{name}.py" for name in SCRIPTS]
    paths += [p for p in (HOUSES["sbnn_np"] / "sbnn_np").rglob("*.py") if p.stem != "__init__"]
    return {path.stem: read(path) for path in paths}, {path.stem: imported(path) for path in paths}
