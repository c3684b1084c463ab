"""Chapter 0 learns XOR, as it says, and its twenty lines are those of the package."""

import ast
import re
import runpy
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT

from sbnn_np.core import ops, quantize, reference

CHAPTER = ROOT / "walkthrough" / "00_one_bit_at_a_time.py"
START = np.array([[2, 1, -2], [0, 0, -4]]), np.array([[2], [0], [-2]])


@pytest.fixture(scope="module")
def chapter(tmp_path_factory):
    """What it prints, run from another folder, and what it defines."""
    done = subprocess.run(
        [sys.executable, "-I", str(CHAPTER)], capture_output=True, text=True,
        cwd=tmp_path_factory.mktemp("elsewhere"),
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, runpy.run_path(str(CHAPTER))


def steps_of(names, latent, answer_latent, most=60):
    """All steps until every answer is right, at most so many."""
    steps = [names["step"](latent, answer_latent)]
    while steps[-1]["danswer"].any() and len(steps) < most:
        steps.append(names["step"](steps[-1]["new_latent"], steps[-1]["new_answer_latent"]))
    return steps


def test_it_learns_xor(chapter):
    said, names = chapter
    steps = steps_of(names, *START)
    wrong = [int(np.count_nonzero(s["danswer"])) for s in steps]
    assert wrong == [2, 2, 1, 1, 0]
    assert re.findall(r"Wrong answers: (\d) of 4", said) == [str(n) for n in wrong]
    for (a, b), answer in zip(names["inputs"], steps[-1]["answer"][:, 0]):
        assert answer == a ^ b
    assert said.count("   flips\n") == 5
    assert said.endswith(
        "All answers are right after 4 steps and 5 flips. What is kept:\n    A adds a + b\n"
        "    B adds a + b\n    C adds nothing\n    the answer adds A + B\n"
    )


def test_the_flips_are_those_that_the_text_tells_of(chapter):
    steps = steps_of(chapter[1], *START)
    b_to_a, b_to_b, from_b = (
        [int(s[name][place]) for s in steps]
        for name, place in (("w", (1, 0)), ("w", (1, 1)), ("answer_w", (1, 0)))
    )
    assert b_to_a == [0, 0, 0, 1, 1]
    assert b_to_b == [0, 0, 1, 0, 1]                          # a bet, lost, and made again
    assert from_b == [0, 1, 1, 1, 1]
    assert sum(int(s["w"].sum() + s["answer_w"].sum()) for s in steps[:1]) == 3
    # and from another start it never learns, since A and its weight to the answer are both 0
    stuck = steps_of(chapter[1], np.array([[2, 1, -2], [-2, 0, -4]]), START[1], most=500)
    last = stuck[-1]
    assert len(stuck) == 500 and not last["w"][:, 0].any() and last["answer_w"][0, 0] == 0
    assert not last["bits"][:, 0].any() and last["danswer"].any()
    assert last["danswer_w"][0, 0] == 0 and not last["dw"][:, 0].any()


def test_each_step_is_that_of_the_package(chapter):
    names = chapter[1]
    for s in steps_of(names, *START):
        w = quantize.zero_one(s["latent"].astype(float))
        sums, cache = ops.dense_forward(names["inputs"].astype(float), w)
        bits, y_cache = ops.bit_forward(names["direction"] * (sums - names["limit"]))
        answer_w = quantize.zero_one(s["answer_latent"].astype(float))
        answer_sum, answer_cache = ops.dense_forward(bits, answer_w)
        answer, answer_y_cache = ops.bit_forward(answer_sum - names["answer_limit"])
        danswer_y = ops.bit_backward(answer - names["wanted"], answer_y_cache)
        dbits, danswer_w = ops.dense_backward(danswer_y, answer_cache)
        dy = ops.bit_backward(dbits, y_cache)
        _, dw = ops.dense_backward(names["direction"] * dy, cache)
        for name, value in (
            ("sums", sums), ("bits", bits), ("answer", answer), ("dbits", dbits), ("dy", dy),
            ("dw", quantize.straight_through(dw)), ("danswer_w", danswer_w),
        ):
            assert np.array_equal(s[name], value), name
        assert s["w"].tolist() == [[reference.zero_one(v) for v in row] for row in s["latent"]]


def test_the_idea_is_twenty_lines_of_numpy():
    source = CHAPTER.read_text(encoding="utf-8")
    tree = ast.parse(source)
    (step,) = (n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "step")
    assert len(step.body) - 1 <= 20                           # without its docstring
    imported = [n for n in ast.walk(tree) if isinstance(n, (ast.Import, ast.ImportFrom))]
    assert [ast.unparse(n) for n in imported] == ["import numpy as np"]
