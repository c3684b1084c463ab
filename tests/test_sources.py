"""A result's digest is over what its own recipe leads to, and over nothing else."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from lab import curves, definitions, experiment, models, recipes, sources

ROOT = Path(__file__).resolve().parent.parent
DENSE = {method: recipes.recipe_for(method, 0, 1) for method in recipes.METHODS}
DENSE["0/1"] = recipes.recipe_for("0/1", 0, 1, ("Adam", 1e-2, "constant"))
CONV = recipes.conv_recipe("digits", recipes.LENET5, "0/1", 0, 1, (1e-2, "constant"))[1]


@pytest.fixture
def file(tmp_path, monkeypatch):
    """Put a source among the files that count, as file "made_up"."""

    def put(source):
        path = tmp_path / "made_up.py"
        path.write_text(source, encoding="utf-8")
        monkeypatch.setitem(sources.files()[0], "made_up", definitions.read(path))
        monkeypatch.setitem(sources.files()[1], "made_up", definitions.imported(path))
        return path

    return put


def led_to(name, *words):
    """What a definition of the made-up file leads to: names of definitions, and their texts."""
    found = sources.reached(frozenset(words), (("made_up", name),))
    return {name: text for (_, name), text in found.items()}


SOURCE = '''
"""Module."""
LIMIT = 3  # why three

def used(x):
    """Say something."""
    return x + LIMIT  # add

def unused(x):
    return x
'''


def test_it_sees_code_and_not_comments(file):
    file(SOURCE)
    before = led_to("used")
    assert before == {"LIMIT": "LIMIT = 3", "used": "def used(x):\n    return x + LIMIT"}
    same = SOURCE.replace("# why three", "# because").replace("return x\n", "return -x\n")
    file(same.replace("Say something", "Say it better\n\n    "))
    assert led_to("used") == before
    file(SOURCE.replace("x + LIMIT", "x - LIMIT"))
    assert led_to("used") != before


TABLE = """
TABLE = {"one": lambda: first(), "two": lambda: second(), "three": lambda: TABLE["two"]}

def first(): pass

def second(): pass

def chosen(word):
    return TABLE[word]

def fixed(word):
    return chosen("two") if word != "one" else None

def everything():
    return [make() for make in TABLE.values()]

def every_word():
    for word in TABLE:
        chosen(word)

def known(word):
    return word in TABLE or ", ".join(TABLE)
"""


def test_of_a_table_those_entries_count_that_can_be_chosen(file):
    file(TABLE)
    assert led_to("chosen", "one").keys() == {"chosen", "TABLE", "TABLE['one']", "first"}
    # by a string in code, but for one that is only compared with
    assert led_to("fixed").keys() == {"fixed", "chosen", "TABLE", "TABLE['two']", "second"}
    assert led_to("chosen", "three").keys() >= {"TABLE['three']", "TABLE['two']", "second"}
    assert led_to("known").keys() == {"known", "TABLE"}
    for whole in ("everything", "every_word"):
        assert led_to(whole).keys() >= {"first", "second"}
    # an entry that is put in later counts always
    file(TABLE + 'TABLE["four"] = second')
    assert led_to("chosen").keys() >= {"first", "second"}


def test_a_word_that_leads_nowhere_is_an_error():
    for word in ("adam", "dense"):
        with pytest.raises(LookupError, match=f"'{word}' is a key of no table"):
            sources.digest(DENSE["0/1"].words | {word})


@pytest.mark.parametrize("line, name", [
    ("from sbnn_np.core import ops", "ops.dense_forwards"),
    ("from sbnn_np.core import ops as o", "o.dense_forwards"),
    ("from sbnn_np.core.ops import dense_forwards", "dense_forwards"),
    ("from sbnn_np.core.opps import dense_forward", "dense_forward"),
    ("import sbnn_np", "sbnn_np.core"),
])
def test_a_name_of_ours_that_is_nowhere_is_an_error(file, line, name):
    file(f"{line}\n\ndef f(): return {name}")
    with pytest.raises(LookupError, match="is used, but|uses"):
        led_to("f")


@pytest.mark.parametrize("line, name", [
    ("from sbnn_np.core import ops", "ops.check_eps"),
    ("from sbnn_np.core import ops as o, windows", "o.check_eps"),
    ("import sbnn_np.core.ops as o", "o.check_eps"),
    ("from sbnn_np.core.ops import check_eps", "check_eps"),
    ("from sbnn_np.core.ops import check_eps as check", "check"),
])
def test_it_follows_every_kind_of_import(file, line, name):
    file(f"{line}\n\ndef f(): return {name}")
    assert led_to("f").keys() == {"f", "check_eps"}


def test_it_follows_imports_from_the_same_folder(tmp_path):
    room = tmp_path / "room"
    room.mkdir()
    path = room / "a.py"
    for name in ("a", "b"):
        (room / f"{name}.py").write_text("from . import b\nfrom .b import c as d\n", "utf-8")
    assert definitions.imported(path) == {"b": ("b", None), "d": ("b", "c")}
    path.write_text("from ..room import b as bb\n", encoding="utf-8")
    assert definitions.imported(path) == {"bb": ("b", None)}


def test_it_reaches_the_mathematics_and_not_the_plots():
    for recipe, also in ((DENSE["0/1"], "Dense"), (CONV, "Conv")):
        found = sources.reached(recipe.words)
        assert {
            ("ops", "dense_forward"), ("fast", "batchnorm_backward"), ("fast", "Adam"),
            ("optim", "Adam"), ("fast", "top_k"), ("quantize", "straight_through"),
            ("train", "train_step"), ("losses", "softmax_cross_entropy"), ("layers", also),
            ("data", "split"), ("bitops", "adds"), ("sparsity", "Schedule"),
        } <= found.keys()
        # of two functions of one name, the one that is called
        assert ("reference", "dense_forward") not in found
        files = {file for file, _ in found}
        assert files.isdisjoint({"plots", "reference", "gradcheck", "storage", "timing", "cifar"})
    assert ("fast", "gather") in sources.reached(CONV.words)


def test_what_is_not_chosen_does_not_count():
    signs, bits = (sources.reached(DENSE[method].words) for method in ("+-1", "0/1"))
    others = {("fast", "top_k"), ("sparsity", "NetBudget"), ("fast", "NormalizedSGD")}
    assert others.isdisjoint(signs)
    assert not {("sparsity", "EvenBudget"), ("network", "convnet")} & bits.keys()
    assert ("sparsity", "EvenBudget") in sources.reached(CONV.words)


# on a copy of the sources, changed

DIGESTS = """
import json, sys
from lab import curves, definitions, experiment, models
found = {}
for said in json.load(sys.stdin):
    recipe = experiment.recipe_of({"recipe": said})
    for start in (experiment.sources.START, curves.START, models.AGREEMENT):
        kind = f"{recipe.method} {recipe.optimizer} {recipe.net} {recipe.rule} {recipe.variant}"
        found[f"{kind} {start[-1]}"] = (
            experiment.digest(recipe, start=start)
        )
print(json.dumps(found))
"""


@pytest.fixture
def changed(tmp_path):
    """Digests of recipes by the sources after some edits: (file, function of its text)."""

    def digests(said, *edits):
        house = tmp_path / "house"
        for folder in ("sbnn_np", "walkthrough"):
            shutil.copytree(ROOT / folder, house / folder, dirs_exist_ok=True)
        for file, edit in edits:
            before = (house / file).read_text(encoding="utf-8")
            after = edit(before)
            assert after != before
            (house / file).write_text(after, encoding="utf-8")
        path = os.pathsep.join([str(house), str(house / "walkthrough")])
        done = subprocess.run(
            [sys.executable, "-c", DIGESTS], input=json.dumps(said), capture_output=True,
            text=True, env=os.environ | {"PYTHONPATH": path}, cwd=tmp_path,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return digests


def after(line, more):
    """An edit that puts text behind the first line of its kind."""
    return lambda text: text.replace(line, line + more, 1)


def test_another_rule_method_and_field_leave_every_committed_result_fresh(changed):
    said = [
        json.loads(path.read_text(encoding="utf-8"))["recipe"]
        for path in sorted((ROOT / "figures" / "runs").glob("*.json"))
    ]
    now = changed(said)
    assert len(now) == 3 * len({experiment.recipe_of({"recipe": each}).words for each in said})
    experiments = "walkthrough/lab/experiment.py"
    another = said[0] | {"method": "dummy", "dummy": 1}
    then = changed(
        [*said, another],
        ("sbnn_np/core/network.py", after("METHODS = {\n", '    "dummy": ("0/1", "sign"),\n')),
        ("sbnn_np/core/sparsity.py", lambda text: text + "\n\nclass Dummy(NetBudget):\n    pass\n"),
        (experiments, after("RULES = {\n", '    "dummy": lambda recipe: sparsity.Dummy(1),\n')),
        (experiments, after("    even: bool = False", "\n    dummy: int = 0")),
        (experiments, after(
            'Which of RULES chooses its ones."""\n',
            '        if self.method == "dummy":\n            return "dummy"\n',
        )),
    )
    of_another = [then.pop(what) for what in set(then) if what.startswith("dummy")]
    assert then == now and len(of_another) == 3 and set(of_another).isdisjoint(now.values())


def test_a_line_in_top_k_concerns_those_that_choose_by_it(changed):
    def edit(text):
        (node,) = (n for n in ast.parse(text).body if getattr(n, "name", "") == "top_k")
        lines = text.splitlines(keepends=True)
        lines.insert(node.body[-1].lineno - 1, "    k = k + 0\n")
        return "".join(lines)

    said = [experiment.asdict(recipe) for recipe in (DENSE["0/1"], DENSE["+-1"])]
    now, then = changed(said), changed(said, ("sbnn_np/core/fast.py", edit))
    assert now.keys() == then.keys()
    for what in now:
        assert (now[what] != then[what]) == what.startswith("0/1"), what
    assert models.AGREEMENT[-1] != curves.START[-1]
