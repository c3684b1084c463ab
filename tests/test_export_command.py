"""The command `export`: the files that it writes, and what it refuses."""

import contextlib
import dataclasses
import io
import re
import shutil
import subprocess
import sys
from unittest import mock

import pytest
from conftest import ROOT, frozen_example
from exported import COMPILER, STRICT, needs_compiler

from sbnn_np import __main__ as commands
from sbnn_np.bits import storage
from sbnn_np.export import exporter


@pytest.fixture(scope="module")
def digits():
    """The committed network of two dense layers of 512 neurons."""
    return storage.load(ROOT / "figures" / "examples" / "digits.sbnn")


def run_command(*arguments):
    """Run `python -m sbnn_np export` in this process; its exit code, and what it said."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["sbnn_np", "export", *map(str, arguments)]),
        contextlib.redirect_stdout(out), contextlib.redirect_stderr(err),
        pytest.raises(SystemExit) as end,
    ):
        commands.main()
    return end.value.code or 0, out.getvalue(), err.getvalue()


@needs_compiler
@pytest.mark.parametrize("options", [[], ["--class-only"]])
def test_the_example_says_what_python_says(digits, tmp_path, options):
    path = ROOT / "figures" / "examples" / "digits.sbnn"
    code, said, complaint = run_command(path, "--to", tmp_path / "c", *options)
    assert code == 0, complaint
    assert {p.name for p in (tmp_path / "c").iterdir()} == {
        "digits.h", "digits.c", "example.c", "README"
    }
    for path in (tmp_path / "c").glob("*.[ch]"):
        assert max(map(len, path.read_text(encoding="utf-8").splitlines())) <= 100
    readme = (tmp_path / "c" / "README").read_text(encoding="utf-8")
    assert len(readme.splitlines()) <= 14
    # the README's own line
    line = re.search(r"^    cc (.*)$", readme, re.MULTILINE)[1].replace(" && ./example", "")
    subprocess.run([COMPILER, *STRICT, *line.split()[1:]], check=True, cwd=tmp_path / "c")
    done = subprocess.run([tmp_path / "c" / "example"], capture_output=True, text=True)
    assert done.returncode == 0 and "class: 3\nthe same as in Python\n" in done.stdout
    told = exporter.fitted(digits, bool(options), None)[1]
    for number in (told.table_bytes, told.code_bytes, told.ram_bytes, told.adds):
        assert f"{number:,}" in said and f"{number:,}" in readme


def test_what_cannot_be_exported_is_refused(digits, tmp_path):
    path = ROOT / "figures" / "examples" / "digits.sbnn"
    for options, message in (
        (["--ram-bytes", 1000], "ram_bytes is 1000; this network takes 1,024"),
        (["--flash-bytes", 10_000], "flash_bytes is 10000; this network takes"),
        (["--prefix", "3d"], "prefix is '3d'; it must be a C name"),
        (["--prefix", "a-b"], "prefix is 'a-b'; it must be a C name"),
        (["--prefix", "_x"], "prefix is '_x'; it must be a C name"),
        (["--prefix", "int"], "prefix is 'int', which is a name of C"),
        (["--prefix", "stdint"], "prefix is 'stdint', which is a name of C"),
        (["--prefix", "example"], "prefix is 'example', which is a name of C"),
    ):
        code, said, complaint = run_command(path, "--to", tmp_path / "c", *options)
        assert (code, said) == (2, "") and message in complaint
        assert not (tmp_path / "c").exists()
    shutil.copy(path, tmp_path / "my-digits.sbnn")
    code, _, complaint = run_command(tmp_path / "my-digits.sbnn", "--to", tmp_path / "c")
    assert code == 2 and "prefix is 'my-digits'" in complaint and "--prefix gives" in complaint
    code, _, complaint = run_command(path, "--to", tmp_path / "my-digits.sbnn" / "c")
    assert code == 2 and f"{tmp_path}" in complaint and "directory" in complaint.lower()
    assert "standard output" not in complaint
    assert run_command(tmp_path / "none.sbnn", "--to", tmp_path / "c")[0] == 2


@pytest.mark.parametrize("kind, message", [
    ("float first", 'layer 0 has float weights; .*"0/1 centred", and without a float first layer'),
    ("+-1", r"layer 0 has \+-1 weights; only 0/1 weights"),
])
def test_networks_of_other_weights_are_refused(kind, message, tmp_path):
    with pytest.raises(exporter.ExportError, match=message):
        exporter.export(frozen_example(kind)[0], tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_files_of_others_are_not_written_over(digits, tmp_path):
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    exporter.export(digits, tmp_path, "digits")
    before = (tmp_path / "digits.c").read_bytes()
    exporter.export(digits, tmp_path, "digits")                    # its own it may
    assert (tmp_path / "digits.c").read_bytes() == before
    (tmp_path / "README").write_text("mine, too", encoding="utf-8")
    with pytest.raises(exporter.ExportError, match="README is there and was not written by an exp"):
        exporter.export(digits, tmp_path, "digits", class_only=True)
    assert (tmp_path / "digits.c").read_bytes() == before          # nor anything else then
    assert (tmp_path / "notes.txt").read_text(encoding="utf-8") == "mine"
    with pytest.raises(exporter.ExportError, match="this is no folder"):
        exporter.export(digits, tmp_path / "notes.txt", "digits")


@pytest.mark.parametrize("name", ["nul\0", "\ud800", 5000 * "x"])
def test_class_names_that_c_cannot_hold_are_refused(digits, tmp_path, name):
    model = dataclasses.replace(digits, classes=(name, *"123456789"))
    with pytest.raises(exporter.ExportError, match="class 0 is called"):
        exporter.export(model, tmp_path)


@needs_compiler
def test_odd_class_names_are_kept(digits, tmp_path):
    names = ("naïve", "日本", 'a "b"', "back\\slash", "new\nline", "*/", "??/", "1", "", "%d")
    exporter.export(dataclasses.replace(digits, classes=names), tmp_path, "odd")
    (tmp_path / "names.c").write_text(
        '#include <stdio.h>\n#include "odd.h"\nstatic const char *const names[] = '
        "ODD_CLASS_NAMES;\nint main(void)\n{\n    int m;\n    for (m = 0; m < ODD_CLASSES; m++)\n"
        '        printf("%s%c", names[m], 0);\n    return 0;\n}\n', encoding="utf-8",
    )
    subprocess.run([COMPILER, *STRICT, "names.c", "-o", "names"], check=True, cwd=tmp_path)
    said = subprocess.run([tmp_path / "names"], capture_output=True).stdout
    assert said.decode().split("\0")[:-1] == list(names)


@needs_compiler
def test_two_networks_in_one_program_keep_their_names_apart(digits, tmp_path):
    tool = shutil.which("nm")
    if tool is None:
        pytest.skip("no nm; this installs it: apt-get install binutils")
    for prefix in ("one", "two"):
        exporter.export(digits, tmp_path, prefix)
        subprocess.run(
            [COMPILER, *STRICT, "-c", f"{prefix}.c"], check=True, cwd=tmp_path
        )
        listed = subprocess.run([tool, "-g", tmp_path / f"{prefix}.o"], capture_output=True).stdout
        assert set(re.findall(rb"T (\w+)", listed)) == {
            f"{prefix}_scores".encode(), f"{prefix}_class".encode()
        }
