"""Solutions of the exercises pass, blanks fail, and the report says in words what is wrong."""

import doctest
import importlib
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT
from exercises import __main__ as command
from exercises.checks import check_3, compare

from sbnn_np.bits import rans
from sbnn_np.core import reference
from sbnn_np.support import gradcheck

NUMBERS = list(command.EXERCISES)
FOLDER = ROOT / "walkthrough" / "exercises"


def solution(number):
    module = importlib.import_module(f"exercises.solutions.solution_{number[0]}")
    return getattr(module, command.EXERCISES[number].name)


def blank(number):
    module = importlib.import_module(f"exercises.chapter_{number[0]}")
    return getattr(module, command.EXERCISES[number].name)


def report_on(number, function, state="wrong"):
    found, report = compare.check(command.EXERCISES[number], function)
    assert found == state, report
    return report


@pytest.mark.parametrize("number", NUMBERS)
def test_solutions_pass_and_blanks_fail_with_a_hint(number):
    assert f"{number} {command.EXERCISES[number].name}: done." in report_on(
        number, solution(number), "done"
    )
    report = report_on(number, blank(number), "blank")
    assert f"walkthrough/exercises/chapter_{number[0]}.py at line" in report and "Hint: " in report
    assert "Traceback" not in report


@pytest.mark.parametrize("number", NUMBERS)
def test_the_examples_of_the_texts_are_what_the_solutions_give(number):
    function = blank(number)
    place = {"np": np, function.__name__: solution(number)}
    (example,) = doctest.DocTestFinder(recurse=False).find(function, number, globs=place)
    assert example.examples
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert runner.run(example, out=lambda text: pytest.fail(text)).failed == 0


@pytest.mark.parametrize("number", NUMBERS)
def test_every_named_mistake_is_found(number):
    exercise = command.EXERCISES[number]
    for name, sentence, as_mistaken in exercise.mistakes:
        def mistaken(name=name, as_mistaken=as_mistaken, **case):
            right = exercise.answer(**case)
            if name == "all" or len(exercise.results) == 1:
                return as_mistaken(**case)
            wrong = dict(zip(exercise.results, right)) | {name: as_mistaken(**case)}
            return tuple(wrong.values())

        assert sentence in " ".join(report_on(number, mistaken).split())


# the table, and what cannot be compared


def test_the_table_says_by_tensor_what_is_exact_and_where_it_is_not():
    def one_entry_off(dy, x, w):
        dw = x.T @ dy
        dw[1, 0] += 3
        return dy @ w.T, dw

    report = report_on("1.4", one_entry_off)
    assert "Case 1 of 3 is wrong" in report
    assert re.search(r"^dx +\(1, 2\) +yes +0$", report, re.M)
    assert re.search(r"^dw +\(2, 2\) +no +3 +\[1, 0\] +5 +2$", report, re.M)


@pytest.mark.parametrize("function, told", [
    (lambda latent: None, "w is None. Is a return missing"),
    (lambda latent: "bits", "w must hold numbers"),
    (lambda latent: [[1], [1, 2]], "rows have different lengths"),
    (lambda latent: latent[0], "w has shape (); it should have (3,)."),
    (lambda latent: latent * np.nan, "nan"),
    (lambda latent: latent / 0, "inf"),
    (lambda latent: sys.exit("enough"), "stopped with SystemExit: enough"),
    (lambda latent: 1 / 0, "stopped with ZeroDivisionError: division by zero"),
    (lambda values: values > 0, "Does zero_one still take the arguments latent?"),
    (lambda latent: latent.__imul__(0), "changed its argument latent"),
    (lambda latent: 1 if latent > 0 else 0, "An array has many numbers, and `if` asks for one"),
])
def test_what_cannot_be_compared_is_told(function, told):
    report = report_on("1.1", function)
    assert told in report and "Traceback" not in report


def test_the_line_that_raised_is_shown():
    def breaks(dy, x, w):
        return x @ dy, None

    report = report_on("1.4", breaks)
    assert "stopped with ValueError" in report
    assert re.search(r"test_exercises.py, line \d+: return x @ dy, None", report)


@pytest.mark.parametrize("product", [np.matmul, np.dot])
def test_a_wrong_case_is_told_before_a_later_one_that_stops(product):
    report = report_on("1.4", lambda dy, x, w: (product(dy, w), x.T @ dy))
    first, second = report.index("Case 1 of 3 is wrong"), report.index("Case 2 of 3:")
    assert first < report.index("w must be transposed for dx") < second
    assert "a must have as many columns as b has rows" in report[second:]


def test_a_division_by_zero_says_what_to_return():
    def unguarded(ones, total, expected, share, loss):
        h = ones / total - expected
        strength = share * loss / (h * (1 - share))
        return strength * h, strength / total

    report = " ".join(report_on("1.6", unguarded).split())
    assert "Case 2 of 5" in report and "stopped with ZeroDivisionError" in report
    assert "Return 0 for both results where h is 0.0001 or less" in report


def test_rounding_is_not_called_exact():
    report = report_on("1.6", solution("1.6"), "done")
    assert re.search(r"^result +shape +right +largest difference", report, re.M)
    assert re.search(r"^dw +number +yes +none but rounding$", report, re.M)


def test_equal_numbers_that_are_chosen_in_another_order_are_told():
    def middle_first(latent, k):
        far = abs(np.arange(len(latent)) - len(latent) // 2)
        return 1 * np.isin(np.arange(len(latent)), np.lexsort((far, -latent))[:k])

    told = " ".join(report_on("1.3", middle_first).split())
    assert "among equal ones the earlier index must go first" in told


def test_a_single_number_is_asked_for():
    told = report_on("0.2", lambda latent, dw, rate: (latent - rate * dw, dw))
    assert "flips has shape (1, 3); it should be a single number." in told


@pytest.mark.parametrize("returned, told", [
    (np.zeros(2), "must return 2 things: return dx, dw. It returned one, of type ndarray"),
    ((1, 2, 3), "It returned 3."),
    ((1, None), "dw is None"),
])
def test_a_wrong_number_of_results_is_told(returned, told):
    assert told in report_on("1.4", lambda dy, x, w: returned)


# what is compared with is right


def test_batch_norm_is_compared_with_the_derivative_of_the_specification():
    x = np.random.default_rng(0).normal(size=(6, 3))
    scale, shift, eps = np.array([1.0, -2.0, 0.5]), np.zeros(3), 1e-3
    inv_std = 1 / np.sqrt(x.var(axis=0) + eps)
    dy = np.random.default_rng(1).normal(size=(6, 3))
    xhat = (x - x.mean(axis=0)) * inv_std
    dx, _, _ = command.EXERCISES["1.5"].answer(dy, xhat, scale, inv_std)

    def forward(x):
        return reference.batchnorm_forward(x.tolist(), scale, shift, eps)

    # batch norm's xhat has a mean square of just below 1, by eps; differences in float64
    gradcheck.check(dx, forward, x, dy, h=1e-5, tolerance=1e-6)


def test_the_steps_of_the_text_on_batch_norm_are_its_derivative():
    N, scale, h = 6, -2.0, 1e-6
    x, dy = np.random.default_rng(2).normal(size=(2, N))
    mean, inv_std = x.mean(), 1 / np.sqrt(x.var() + 1e-3)
    xhat, dxhat = (x - mean) * inv_std, dy * scale

    def loss(x, mean, variance):
        return np.sum(dy * scale * (x - mean) / np.sqrt(variance + 1e-3))

    total = command.EXERCISES["1.5"].answer(
        dy[:, None], xhat[:, None], np.array([scale]), np.array([inv_std])
    )[0][:, 0]
    for n in range(N):
        at = np.array([loss(x, mean, x.var())])
        parts = (
            (loss(x + h * (np.arange(N) == n), mean, x.var()), dxhat[n] * inv_std),
            (loss(x, mean + h / N, x.var()), -inv_std * dxhat.mean()),
            (loss(x, mean, x.var() + 2 * (x[n] - mean) * h / N),
             np.mean(dxhat * -inv_std * xhat[n] * xhat)),
        )
        for moved, part in parts:
            np.testing.assert_allclose((moved - at) / h, part, atol=1e-4)
        np.testing.assert_allclose(sum(part for _, part in parts), total[n], rtol=1e-12)


def test_a_blank_batch_norm_says_where_to_begin_and_not_what_is_right():
    told = " ".join(report_on("1.5", blank("1.5"), "blank").split())
    assert "Begin with dshift and dscale" in told and "mean of dy" not in told


def test_the_steps_of_the_exercise_write_what_rans_writes():
    bits = np.random.default_rng(4).random(3000) < 0.02
    symbols = rans.gap_symbols(bits).tolist()
    frequency, first_slot = rans.frequencies(bits.sum() / len(bits))
    L = rans.lane_count(len(symbols))
    states, words = [rans.END_STATE] * L, []
    for t in range(len(symbols) - 1, -1, -1):
        f, c = int(frequency[symbols[t]]), int(first_slot[symbols[t]])
        if states[t % L] >= f << 16:
            words.append(states[t % L] % 65536)
            states[t % L] >>= 16
        states[t % L] = check_3.rans_write(states[t % L], f, c)
    stream = np.array(states, "<u4").tobytes() + np.array(words[::-1], "<u2").tobytes()
    assert rans.encode(bits)[9:] == stream


# the command


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["1.3", "--help"]])
def test_help_is_the_usage(words, capsys):
    assert command.main(words) == 0
    said = capsys.readouterr().out
    assert "python -m walkthrough.exercises 2.a 9" in said and "there is no" not in said


@pytest.mark.parametrize("chapter, there, elsewhere", [
    ("0", ("0.1", "0.2", "0.a, 0.b, 0.c", "chapter_0.py."), "1.1"),
    ("1", ("1.1", "1.6", "1.a, 1.b, 1.c", "chapter_1.py."), "0.1"),
])
def test_a_chapter_is_listed_alone(chapter, there, elsewhere, capsys):
    assert command.main([chapter]) == 0
    said = capsys.readouterr().out
    assert all(word in said for word in there) and f"  {elsewhere}  " not in said


def run(*words, folder=ROOT):
    return subprocess.run(
        [sys.executable, "-m", "walkthrough.exercises", *words], capture_output=True, text=True,
        cwd=folder,
    )


def test_the_command_lists_what_there_is_and_checks_one():
    done = run()
    assert done.returncode == 0, done.stderr
    for number, exercise in command.EXERCISES.items():
        assert re.search(rf"^  {number}  blank   {exercise.name} ", done.stdout, re.M)
    assert max(map(len, done.stdout.splitlines())) <= 100
    done = run("1.3")
    assert done.returncode == 1 and "not filled in yet" in done.stdout and not done.stderr


@pytest.mark.parametrize("words, told", [
    (["1.7"], "there is no 1.7"), (["5"], "there is no 5"), (["top_k"], "there is no top_k"),
    (["1.3", "5"], "too much"),
])
def test_what_there_is_not_is_an_error(words, told, capsys):
    assert command.main(words) == 2
    assert told in capsys.readouterr().err


@pytest.fixture
def reader(tmp_path, monkeypatch):
    """A copy of the exercises that a reader fills in, and what the command says of it."""
    shutil.copytree(FOLDER, tmp_path / "walkthrough" / "exercises")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))

    def fill_in(chapter, before, after):
        path = tmp_path / "walkthrough" / "exercises" / f"chapter_{chapter}.py"
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after), encoding="utf-8")
        return lambda *words: run(*words, folder=tmp_path)

    return fill_in


def test_a_reader_fills_in_one_and_it_is_done(reader):
    blank_line = '    """\n    raise NotImplementedError\n\n\ndef straight_through'
    say = reader(1, blank_line, blank_line.replace("raise NotImplementedError",
                                                   "return 1.0 * (latent > 0)"))
    done = say("1.1")
    assert done.returncode == 0 and "1.1 zero_one: done" in done.stdout
    assert re.search(r"^w +\(3, 4\) +yes +0$", done.stdout, re.M)
    done = say()
    assert "1 of 18 are done" in done.stdout
    assert re.search("^  1.1  done    zero_one", done.stdout, re.M)


def test_a_file_that_python_cannot_read_is_told_with_its_line(reader):
    say = reader(1, "def zero_one(latent):", "def zero_one(latent:")
    done = say("1.3")
    assert done.returncode == 1 and not done.stderr
    assert re.search(r"1.3 cannot be checked: chapter_1.py, line \d+: ", done.stdout)
    assert re.search(r"^  1.3  broken .*\n(.*\n)*  2.1  blank ", say().stdout, re.M)


def test_a_function_that_is_gone_is_told(reader):
    say = reader(1, "def zero_one(latent):", "def quantize(latent):")
    assert "chapter_1.py has no function zero_one any more" in say("1.1").stdout
