"""The answers to the questions of the chapters are computed, and the chapters ask the same."""

import re

import pytest
from conftest import ROOT
from exercises import __main__ as command
from exercises import questions

ANSWERS = {
    "0.a": 7, "0.b": 0, "0.c": 8, "1.a": 33433, "1.b": 4, "1.c": 226, "2.a": 9, "2.b": 7168,
    "2.c": 15, "3.a": 42, "3.b": 33, "3.c": 257, "4.a": 35, "4.b": 70, "4.c": 11,
}


def test_the_answers_are_computed():
    assert {number: q.compute() for number, q in questions.QUESTIONS.items()} == ANSWERS


def test_an_answer_is_checked(capsys):
    assert command.main(["1.a", "33,433"]) == 0 and "is right" in capsys.readouterr().out
    for wrong, told in (("33434", "is not right. Hint"), ("many", "is no whole number")):
        assert command.main(["1.a", wrong]) == 1 and told in capsys.readouterr().out
    assert command.main(["1.a"]) == 1 and "Put your answer" in capsys.readouterr().out


@pytest.mark.parametrize("number, answer, told", [
    ("1.a", "33434", "round down"),
    ("0.c", "9", "'Step n' shows what n - 1 steps have done"),
])
def test_an_answer_that_is_one_too_many_is_explained(number, answer, told, capsys):
    assert command.main([number, answer]) == 1
    assert told in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("chapter", ["0", "1", "2", "3", "4"])
def test_a_chapter_says_what_will_be_known_and_asks_its_questions_in_the_same_words(chapter):
    (path,) = (ROOT / "walkthrough").glob(f"0{chapter}_*.py")
    told = " ".join(re.sub(r"^# ?", "", path.read_text(encoding="utf-8"), flags=re.M).split())
    assert "At its end you will know" in told
    assert f"python -m walkthrough.exercises {chapter}.a" in told
    for number, question in questions.QUESTIONS.items():
        assert number[0] != chapter or f"{number} {question.text}" in told, number


@pytest.mark.parametrize("chapter", ["1", "2", "3", "4", "5"])
def test_what_is_to_think_about_is_not_called_exercises(chapter):
    (path,) = (ROOT / "walkthrough").glob(f"0{chapter}_*.py")
    headings = re.findall(r"^# %% (.*)$", path.read_text(encoding="utf-8"), re.M)
    assert "To think about" in headings and "Exercises" not in headings
