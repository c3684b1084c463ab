"""Two versions of the sources: what is said where runs are the same, differ, or are missing."""

import sys

import pytest
from lab import compare


@pytest.fixture
def said(monkeypatch, capsys):
    """Run the command with given hashes of the other checkout and of this one."""

    def run(before, now):
        hashes = iter([before, now])
        monkeypatch.setattr(compare, "hashes_of", lambda tree, data_dir: next(hashes))
        monkeypatch.setattr(sys, "argv", ["compare.py", str(compare.TREE)])
        with pytest.raises(SystemExit) as done:
            compare.main()
        return done.value.code, capsys.readouterr().out.splitlines()

    return run


def test_runs_that_are_the_same_are_counted(said):
    code, lines = said({"a": "1", "b": "2"}, {"a": "1", "b": "2"})
    assert code == 0 and lines[-1] == "2 of 2 runs are the same to the last bit"


@pytest.mark.parametrize("now, count", [({"a": "1", "b": "3"}, "1 of 2"), ({"a": "1"}, "1 of 2")])
def test_a_run_that_differs_or_is_missing_is_named(said, now, count):
    code, lines = said({"a": "1", "b": "2"}, now)
    assert code == 1 and lines == [
        "same       a", "DIFFERENT  b", f"{count} runs are the same to the last bit",
    ]


def test_a_folder_that_is_no_checkout_is_refused(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(sys, "argv", ["compare.py", str(tmp_path)])
    with pytest.raises(SystemExit) as done:
        compare.main()
    assert done.value.code == 2 and "is no checkout of this repository" in capsys.readouterr().err
