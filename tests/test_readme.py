"""The front page is short, its commands and examples run, and its links lead where they say."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from lab import report, rewrite

ROOT = Path(__file__).resolve().parent.parent


def text_of(page):
    return (ROOT / page).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def readme():
    return text_of("README.md")


def block_after(readme, words):
    """The code block that follows a line of the README."""
    return re.search(re.escape(words) + r".*?```\w*\n(.*?)```", readme, re.DOTALL).group(1)


@pytest.mark.parametrize("title, lines", [("## In a dozen lines", 12), ("## As bits", 11)])
def test_the_library_examples_print_what_the_readme_says(readme, title, lines, tmp_path):
    code = block_after(readme, title)
    expected = block_after(readme[readme.index(title) :], "\nprints")
    assert len([line for line in code.splitlines() if line.strip()]) == lines
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == expected


def test_the_commands_are_one_line_each_and_end_as_they_should(readme):
    commands = [line for line in readme.splitlines() if line.startswith("python3 -m venv")]
    assert [command.split("&& ")[-1] for command in commands] == [
        ".venv/bin/python walkthrough/01_mlp_mnist.py", ".venv/bin/python -m pytest",
    ]
    for command in commands:
        assert subprocess.run(["bash", "-n", "-c", command]).returncode == 0


def test_the_front_page_is_short(readme):
    assert len(readme.splitlines()) <= 150 and len(readme.split()) <= 1300


PAGES = ["README.md", "figures/README.md", "walkthrough/README.md"]


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page):
    text = text_of(page)
    found = re.findall(r"\]\(([^)]+)\)", text)
    assert found
    for target in found:
        if not target.startswith("http"):
            assert ((ROOT / page).parent / target).exists(), target


def test_a_link_that_names_a_definition_leads_to_it(readme):
    links = re.findall(r"\[`(\w+)\.([\w.]+)`\]\(([^)]+)\)", readme)
    for file, names, target in links:
        path = ROOT / target
        assert path.stem == file, target
        place = ast.parse(path.read_text(encoding="utf-8"))
        for name in names.split("."):
            (place,) = (node for node in place.body if getattr(node, "name", None) == name)
    for wanted in ("quantize", "ops", "sparsity", "bitops", "storage", "freeze", "train"):
        assert wanted in {file for file, _, _ in links}
    assert ("quantize", "straight_through") in {(file, name) for file, name, _ in links}


@pytest.mark.parametrize("page", PAGES)
def test_generated_parts_are_of_the_committed_numbers(page):
    assert rewrite.rewritten(text_of(page), rewrite.PAGES[page]()) == text_of(page), (
        f"{page} is out of date; PYTHONPATH=walkthrough python -m lab.rewrite writes it again"
    )


def test_a_page_without_a_generated_part_is_refused():
    page = "a\n<!-- begin: one -->\nold\n<!-- end -->\nb\n"
    new = "a\n<!-- begin: one -->\nnew\n<!-- end -->\nb\n"
    assert rewrite.rewritten(page, {"one": "new"}) == new
    assert rewrite.rewritten(new, {"one": "new"}) == new
    for parts in ({}, {"two": "new"}, {"one": "new", "two": "new"}):
        with pytest.raises(ValueError, match="generated parts are .'one'."):
            rewrite.rewritten(page, parts)


def test_the_front_page_says_the_numbers_of_its_results(readme):
    told = " ".join(readme.split())
    minutes = report.minutes(json.loads(text_of("figures/01_mlp_mnist.json")))
    assert f"({minutes} on two cores)" in told
    rows = json.loads(text_of("figures/03_bits_and_bytes.json"))["rows"]
    (size,) = {row["float32_bytes"] for row in rows if row["data"] == "MNIST as bits"}
    assert f"As float32 numbers the same network takes {size:,} bytes." in told
    picture = json.loads(text_of("figures/front.json"))
    before, after = picture["latents"]["before"]["ones"], picture["row"]["density"]
    grows = f"grows from {100 * before:.0f}% ones to {100 * after:.0f}% in all layers together."
    assert grows in told


def test_every_file_of_the_lab_has_a_line():
    told = text_of("walkthrough/README.md")
    for path in (ROOT / "walkthrough" / "lab").glob("*.py"):
        assert path.stem == "__init__" or f"[{path.name}](lab/{path.name})" in told, path


@pytest.mark.container
def test_the_commands_of_the_front_page_run(readme, tmp_path):
    commands = re.findall(r"^\.venv/bin/python -m (sbnn_np (\w+) .*)$", readme, re.M)
    assert [name for _, name in commands] == ["show", "predict", "page", "export", "train"]
    shutil.copytree(ROOT / "figures" / "examples", tmp_path / "figures" / "examples")
    dark = np.arange(60) % 2                                  # two classes: dark and light images
    images = np.random.default_rng(0).integers(0, 100, (60, 8, 8)) + 150 * dark[:, None, None]
    np.savez(tmp_path / "images.npz", images=images.astype(np.uint8), labels=dark)
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    for command, _ in commands:
        done = subprocess.run(
            [sys.executable, "-m", *command.split()], capture_output=True, text=True,
            cwd=tmp_path, env=os.environ | {"PYTHONPATH": path},
        )
        assert done.returncode == 0 and done.stdout, done.stderr
    assert (tmp_path / "page.html").stat().st_size < 300_000
    assert (tmp_path / "mine.sbnn").is_file()
    (line,) = re.findall(r"^cc .*$", readme, re.M)
    if shutil.which("cc"):
        done = subprocess.run(line, shell=True, capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 0 and done.stdout, done.stderr
