"""Compare what a reader wrote with what is right, and say in words and a table what differs."""

import inspect
import textwrap
import traceback
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SHOWN = 40                     # numbers of an argument that a report prints at the most


@dataclass(frozen=True)
class Exercise:
    """One function to fill in.

    Parameters
    ----------
    number, name : str
        "1.4" and "dense_backward", for example.
    results : tuple of str
        Names of what the function returns, in order.
    cases : list of dict
        Arguments by name. The first cases are the smallest.
    answer : function
        Takes the arguments of a case and returns what is right.
    mistakes : list of (str, str, function)
        The name of a result, a sentence that names a mistake, and a function that takes the
        arguments of a case and returns that result as the mistake would have it. With "all" in
        place of a name the function returns all results; then only that mistake is named.
    closer : function, optional
        Asked when no mistake explains what is wrong: it takes a case and the list of results, and
        returns a sentence, or "" if it knows none.
    tolerance : float
        Largest error allowed, relative to the larger of 1 and the right number. 0 asks for
        equality, which sums and products of small integers can keep.
    binary : bool
        Whether reports show whole numbers bit by bit.
    before_division : str
        What to do before a division; said if the function divides by 0.
    """

    number: str
    name: str
    results: tuple
    cases: list
    answer: object
    mistakes: list
    closer: object = None
    tolerance: float = 0.0
    binary: bool = False
    before_division: str = ""


class Unusable(Exception):  # noqa: N818 - it is no error of this program
    """A function stopped, or what it returned cannot be compared: the message says why."""


def check(exercise, function):
    """Run a function on all cases of an exercise.

    Parameters
    ----------
    exercise : Exercise
    function : function
        What the reader wrote.

    Returns
    -------
    state : "done", "wrong" or "blank"
    report : str
        For the reader, in several lines.
    """
    given, stopped = [], ""
    for number, case in enumerate(exercise.cases, 1):
        try:
            given.append(run(exercise, function, case))
        except NotImplementedError:
            return "blank", blank(exercise, function)
        except Unusable as problem:
            where = f"Case {number} of {len(exercise.cases)}:"
            stopped = f"{where}\n{shown(case, exercise.binary)}\n{problem}"
            break
    right = [as_results(exercise, exercise.answer(**case)) for case in exercise.cases]
    for number, (mine, yours) in enumerate(zip(right, given), 1):
        if all(close(a, b, exercise.tolerance) for a, b in zip(mine, yours)):
            continue
        lines = [
            f"Case {number} of {len(right)} is wrong:",
            shown(exercise.cases[number - 1], exercise.binary), "",
            table(exercise, mine, yours), *remarks(exercise, mine, yours),
        ]
        named = named_mistakes(exercise, right, given)
        if not named and exercise.closer:
            named = [exercise.closer(exercise.cases[number - 1], yours)]
        lines += [textwrap.fill(sentence, 90) for sentence in named if sentence]
        return "wrong", "\n".join([*lines, "", stopped] if stopped else lines)
    if stopped:
        return "wrong", stopped
    how = "exact" if exercise.tolerance == 0 else "right"
    return "done", (
        f"{exercise.number} {exercise.name}: done. In all {len(right)} cases every number is "
        f"{how}. The last case:\n\n{table(exercise, right[-1], given[-1])}"
    )


def run(exercise, function, case):
    """What a function returns for a case, as a list of arrays; Unusable if there is none."""
    arguments = {name: copied(value) for name, value in case.items()}
    try:
        with np.errstate(all="ignore"):
            results = as_results(exercise, function(**arguments))
    except (NotImplementedError, Unusable):
        raise
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a reader's function raises is told
        raise Unusable(told(error, exercise, function)) from None
    for name, value in case.items():
        if not same(value, arguments[name]):
            raise Unusable(
                f"{exercise.name} changed its argument {name}. Return new arrays: "
                f"write {name} = {name} - ..., not {name} -= ...; or change {name}.copy()"
            )
    return results


def copied(value):
    """A copy of an argument, so that a function cannot change the case."""
    return value.copy() if isinstance(value, (np.ndarray, list)) else value


def same(a, b):
    """Whether an argument is still what it was."""
    return np.array_equal(np.asarray(a, object), np.asarray(b, object))


def as_results(exercise, returned):
    """What a function returned, as a list of arrays, one a result; Unusable if it cannot be."""
    names = exercise.results
    if len(names) > 1:
        wanted = f"{exercise.name} must return {len(names)} things: return {', '.join(names)}"
        if not isinstance(returned, (tuple, list)):
            raise Unusable(f"{wanted}. It returned one, of type {type(returned).__name__}.")
        if len(returned) != len(names):
            raise Unusable(f"{wanted}. It returned {len(returned)}.")
    else:
        returned = [returned]
    arrays = []
    for name, value in zip(names, returned):
        if value is None:
            raise Unusable(f"{name} is None. Is a return missing in {exercise.name}?")
        try:
            array = np.asarray(value)
        except ValueError:
            raise Unusable(f"{name} is a list whose rows have different lengths.") from None
        if array.dtype.kind == "O" and all(isinstance(each, int) for each in array.flat):
            pass                                              # whole numbers beyond 64 bits
        elif array.dtype.kind not in "buif":
            raise Unusable(f"{name} must hold numbers, and is of type {type(value).__name__}.")
        arrays.append(array.astype(object))
    return arrays


def close(right, given, tolerance):
    """Whether two arrays agree, shape included."""
    return right.shape == given.shape and not off(right, given, tolerance).any()


def off(right, given, tolerance):
    """Where two arrays of one shape differ, of bool."""
    wrong = np.empty(right.shape, bool)
    for i in np.ndindex(right.shape):
        allowed = tolerance * max(1, abs(right[i]))
        wrong[i] = not abs(right[i] - given[i]) <= allowed    # NaN is always wrong
    return wrong


def table(exercise, right, given):
    """One line a result: its shape, whether it is right, the largest difference, and where."""
    how = "exact" if exercise.tolerance == 0 else "right"
    rows = [("result", "shape", how, "largest difference", "where", "is", "should be")]
    for name, mine, yours in zip(exercise.results, right, given):
        shape = str(yours.shape) if yours.shape else "number"
        if mine.shape != yours.shape:
            rows.append((name, shape, "no", "other shape", "", "", ""))
            continue
        wrong = off(mine, yours, exercise.tolerance)
        if not wrong.any():
            distance = "0" if exercise.tolerance == 0 else "none but rounding"
            rows.append((name, shape, "yes", distance, "", "", ""))
            continue
        distance = {i: abs(mine[i] - yours[i]) for i in np.ndindex(mine.shape) if wrong[i]}
        worst = max(distance, key=lambda i: np.inf if distance[i] != distance[i] else distance[i])
        rows.append((
            name, shape, "no", text(distance[worst]), str(list(worst)) if worst else "",
            text(yours[worst], exercise.binary), text(mine[worst], exercise.binary),
        ))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows
    )


def text(number, binary=False):
    """A number as a table shows it; a whole one in binary if it is asked for."""
    if binary and isinstance(number, int) and number >= 0:
        return f"0b{number:08b}"
    if isinstance(number, (bool, int)):
        return str(int(number))
    return f"{number:.6g}"


def remarks(exercise, right, given):
    """What is wrong with shapes, in words."""
    for name, mine, yours in zip(exercise.results, right, given):
        if mine.shape != yours.shape:
            wanted = f"have {mine.shape}" if mine.shape else "be a single number"
            yield f"{name} has shape {yours.shape}; it should {wanted}."


def named_mistakes(exercise, right, given):
    """Sentences on the mistakes that explain a wrong result in every case that was run."""
    for name, sentence, as_mistaken in exercise.mistakes:
        if name == "all" and explains(exercise, as_mistaken, given, range(len(exercise.results))):
            return [sentence]
    named = []
    for k, result in enumerate(exercise.results):
        if all(close(mine[k], yours[k], exercise.tolerance) for mine, yours in zip(right, given)):
            continue
        for name, sentence, as_mistaken in exercise.mistakes:
            one = as_mistaken if name == result else kth_of(as_mistaken, k)
            if name in (result, "all") and explains(exercise, one, given, [k]):
                named.append(sentence)
                break
    return list(dict.fromkeys(named))                         # none of them twice


def explains(exercise, as_mistaken, given, places):
    """Whether a mistake leads to the results at some places, in every case that was run."""
    tolerance = max(exercise.tolerance, 1e-9)
    for case, yours in zip(exercise.cases, given):
        try:
            mistaken = as_mistaken(**case)
        except ValueError:                                    # matrices that do not fit
            return False
        mistaken = mistaken if len(places) > 1 else [mistaken]
        if not all(
            close(np.asarray(m).astype(object), yours[k], tolerance)
            for m, k in zip(mistaken, places)
        ):
            return False
    return True


def kth_of(function, k):
    """A function that returns one of the results of another."""
    return lambda **case: function(**case)[k]


def shown(case, binary=False):
    """The arguments of a case; of large arrays the shape alone."""
    lines = []
    for name, value in case.items():
        head = f"    {name} = "
        image = isinstance(value, np.ndarray) and value.ndim == 4
        one = image and value.shape[::3] == (1, 1)
        if isinstance(value, np.ndarray) and (value.size > SHOWN or image and not one):
            lines.append(f"{head}an array of shape {value.shape}")
        elif one:
            head = f"    {name} of shape {value.shape}, {name}[0, :, :, 0] = "
            lines.append(head + np.array2string(value[0, :, :, 0], separator=", ", prefix=head))
        elif binary and isinstance(value, np.ndarray):
            lines.append(f"{head}[{', '.join(text(int(number), True) for number in value)}]")
        elif isinstance(value, np.ndarray):
            lines.append(head + np.array2string(value, separator=", ", prefix=head))
        else:
            lines.append(f"{head}{value}")
    return "\n".join(lines)


def told(error, exercise, function):
    """An exception in words, with the line of the reader's file in which it came up."""
    said = f"{exercise.name} stopped with {type(error).__name__}: {error}"
    file = inspect.getsourcefile(function)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    if not frames:
        return f"{said}\nDoes {exercise.name} still take the arguments {arguments_of(exercise)}?"
    said += f"\n    {Path(file).name}, line {frames[-1].lineno}: {frames[-1].line}"
    if "truth value of an array" in str(error):
        said += (
            "\nAn array has many numbers, and `if` asks for one answer; so does -1 <= y <= 1. "
            "Compare\nwhole arrays: latent > 0 has an answer for each number, and so has "
            "(y >= -1) & (y <= 1)."
        )
    if "matmul" in str(error) or "not aligned" in str(error):
        said += (
            "\nIn a @ b, a must have as many columns as b has rows. Is one of them to be "
            "transposed (.T)?"
        )
    if isinstance(error, ZeroDivisionError) and exercise.before_division:
        said += f"\n{textwrap.fill(exercise.before_division, 90)}"
    return said


def arguments_of(exercise):
    """The names of an exercise's arguments."""
    return ", ".join(exercise.cases[0])


def blank(exercise, function):
    """What to do with a function that is not filled in yet."""
    file, line = inspect.getsourcefile(function), inspect.getsourcelines(function)[1]
    place = "/".join(Path(file).parts[-3:])
    hint = inspect.getdoc(function).split("Hint\n----\n")[1].strip()
    return (
        f"{exercise.number} {exercise.name} is not filled in yet. Open {place} at line {line},\n"
        "read what it must return, and write that in place of raise NotImplementedError.\n\n"
        f"Hint: {hint}"
    )
