"""The command that lists the exercises and checks them; see the docstring of the package."""

import importlib
import io
import os
import sys
import traceback
from contextlib import redirect_stdout
from pathlib import Path

from . import questions
from .checks import check_0, check_1, check_2, check_3, check_4, compare

HERE = Path(__file__).resolve().parent
EXERCISES = {
    exercise.number: exercise
    for module in (check_0, check_1, check_2, check_3, check_4) for exercise in module.EXERCISES
}


class Unreadable(Exception):  # noqa: N818 - it is no error of this program
    """A file of exercises cannot be imported: the message says why."""


def written(exercise):
    """The function that a reader wrote for an exercise."""
    name = f"chapter_{exercise.number.split('.')[0]}"
    try:
        module = importlib.import_module(f"{__package__}.{name}")
    except SyntaxError as error:
        raise Unreadable(f"{Path(error.filename).name}, line {error.lineno}: {error.msg}") from None
    except Exception as error:  # noqa: BLE001 - whatever a reader's file raises is told
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise Unreadable(
            f"{Path(last.filename).name}, line {last.lineno}: {type(error).__name__}: {error}"
        ) from None
    if not hasattr(module, exercise.name):
        raise Unreadable(f"{name}.py has no function {exercise.name} any more")
    return getattr(module, exercise.name)


def title(exercise):
    """The first line of an exercise's docstring, without its number; or a broken file's error."""
    return (written(exercise).__doc__ or "").split("\n")[0].removeprefix(exercise.number).strip()


def listing(chapter=""):
    """The exercises of one chapter, or of all, with their state, and how to go on."""
    exercises = {n: exercise for n, exercise in EXERCISES.items() if n.startswith(chapter)}
    lines, done = [], 0
    for number, exercise in exercises.items():
        try:
            with redirect_stdout(io.StringIO()):              # what a function prints itself
                state = compare.check(exercise, written(exercise))[0]
            told = title(exercise)
        except Unreadable as error:
            state, told = "broken", str(error)
        done += state == "done"
        lines.append(f"  {number}  {state:<6}  {exercise.name:<19} {told}")
    numbers = ", ".join(number for number in questions.QUESTIONS if number.startswith(chapter))
    files = f"chapter_{chapter}.py" if chapter else "chapter_0.py to chapter_4.py"
    return "\n".join([
        f"Exercises: {done} of {len(exercises)} are done. Fill in the functions of",
        f"{HERE.parent.name}/{HERE.name}/{files}.", "", *lines, "",
        f"Questions of the chapter{'' if chapter else 's'}: {numbers}", "",
        "python -m walkthrough.exercises 1        lists a chapter",
        "python -m walkthrough.exercises 1.3      checks an exercise",
        "python -m walkthrough.exercises 2.a 9    checks an answer to a question",
    ])


def main(words):
    """Do what the command line says.

    Parameters
    ----------
    words : list of str
        Nothing; or the number of a chapter; or that of an exercise; or that of a question, and
        an answer; or --help.

    Returns
    -------
    status : int
        0 if what was checked is right, 1 if it is not, 2 if there is no such thing.
    """
    chapters = {number[0] for number in EXERCISES}
    if not words or len(words) == 1 and words[0] in chapters:
        print(listing(*words))
        return 0
    if {"-h", "--help"} & set(words):
        print(sys.modules[__package__].__doc__.strip())
        return 0
    number, *rest = words
    if number in questions.QUESTIONS and len(rest) <= 1:
        right, report = questions.check(number, *(rest or [None]))
    elif number in EXERCISES and not rest:
        exercise = EXERCISES[number]
        try:
            state, report = compare.check(exercise, written(exercise))
        except Unreadable as error:
            state, report = "broken", f"{number} cannot be checked: {error}"
        right = state == "done"
        if state == "wrong":
            report = f"{number} {exercise.name} is not right yet.\n\n{report}"
    elif number in EXERCISES or number in questions.QUESTIONS:
        print(f"error: {' '.join(rest)}: too much behind {number}", file=sys.stderr)
        return 2
    else:
        known = ", ".join([*sorted(chapters), *EXERCISES, *questions.QUESTIONS])
        print(f"error: there is no {number}; there are {known}", file=sys.stderr)
        return 2
    print(report)
    return 0 if right else 1


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="backslashreplace")         # a reader's file may hold any text
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print("\nStopped. Is there a loop without an end?")
        sys.exit(130)
    except BrokenPipeError:                                   # as of `head`: nobody reads on
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
