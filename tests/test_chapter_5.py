"""Chapter 5 runs on simulated chips, and its committed results hold."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT, TOP_KEYS, committed, environment
from lab import chip_networks, chip_study, chips, m0_cycles, plots_chips, report_chips

from sbnn_np.bits import storage
from sbnn_np.datasets import data
from sbnn_np.engines import packed

CHAPTER = ROOT / "walkthrough" / "05_microcontroller.py"
LACKING = [line for line in map(chips.missing, (*chips.CHIPS, chips.HOST)) if line]
needs_chips = pytest.mark.skipif(
    bool(LACKING), reason="chapter 5 cannot simulate chips here; this installs what it takes: "
    f"{'; '.join(LACKING)}",
)


@needs_chips
def test_quick_runs_on_built_in_data(tmp_path):
    done = subprocess.run(
        [sys.executable, str(CHAPTER), "--quick", "--out", str(tmp_path)],
        capture_output=True, text=True, env=environment(tmp_path / "cache"),
    )
    assert done.returncode == 0, done.stderr
    assert "built-in STROKE DIGITS" in done.stdout
    content = json.loads((tmp_path / "05_microcontroller_builtin.json").read_text(encoding="utf-8"))
    assert content.keys() >= TOP_KEYS | {"layouts", "layout_bytes", "by_density"}
    for row in content["rows"]:
        for chip, found in row["chips"].items():
            if row["name"] == "digits" and chip == "ATmega328P":
                assert "too large" in found["error"]
            else:
                assert found["same"] == found["images"] == (100 if chip == "this computer" else 4)
    pictures = sorted(path.name for path in tmp_path.glob("*.png"))
    assert pictures == [
        f"05_microcontroller_builtin_{what}.png" for what in ("density", "flash", "published")
    ]


def test_a_chapter_without_chips_says_what_to_install(tmp_path):
    done = subprocess.run(
        [sys.executable, str(CHAPTER), "--quick", "--data", "strokes", "--out", str(tmp_path)],
        capture_output=True, text=True, env=environment(tmp_path / "cache") | {"PATH": ""},
    )
    assert done.returncode == 2 and "Traceback" not in done.stderr
    for chip in chips.CHIPS:
        assert f"apt-get install {chip.packages}" in done.stdout
    assert "both simulated chips" in done.stderr


@needs_chips
def test_the_trace_has_as_many_instructions_as_the_timer_counts():
    model = chip_study.dense_network([784, 12, 10], 0.02, 0)
    image = chip_networks.drawn()[:1]
    instructions, cycles = m0_cycles.cycles(model, image)
    (counted,) = chips.run(model, image, chips.CORTEX_M0).counts
    assert abs(instructions - counted) <= 2 * chips.CORTEX_M0.per_tick
    assert 1.2 * instructions < cycles < 2 * instructions


def test_energy_is_volts_times_amperes_times_seconds():
    # 16 million cycles are a second: 3 V x 4.4 mA x 1 s
    assert chip_study.millijoules("Cortex-M0", 16_000_000) == pytest.approx(13.2)
    assert chip_study.millijoules("ATmega328P", 8_000_000) == pytest.approx(26.0)


def test_bytes_of_layouts_by_hand():
    w = np.zeros((16, 2), bool)
    w[[0, 3], 0] = w[15, 1] = True
    told = chip_study.layout_bytes(w)
    assert (told["a mask"], told["two bytes a one"], told["gaps"]) == (4, 6, 5)
    assert told["entropy"] < told["coded gaps"] <= 5


# what is said of made-up results


def made_up(name, chip, accuracy, tables, count, cycles=None):
    found = {
        "images": 9, "same": 8, "count": count, "layers": [count - 1, 1],
        "flash": {"tables": tables, "code": 10, "library": 5, "frame": 5},
        "ram": {"activations": 7, "image": 2, "scores": 1, "stack": 3},
    } | ({"cycles": cycles} if cycles else {})
    return {
        "name": name, "method": "0/1", "architecture": "9-1", "ones": 4, "density": 0.1,
        "test_accuracy": accuracy, "chips": {chip: found},
    }


def test_tables_and_titles_tell_what_the_content_says():
    content = {"rows": [
        made_up("a", "Cortex-M0", 0.9876, 20, 100, 160), made_up("b", "Cortex-M0", None, 80, 200),
    ]}
    lines = report_chips.table(content).splitlines()
    assert lines[2:] == [
        "| a | 0/1 | 9-1 | 4 | 98.76 | Cortex-M0 | 20 | 40 | 13 | 100 | 160 | 0.000 |",
        "| b | 0/1 | 9-1 | 4 | - | Cortex-M0 | 80 | 100 | 13 | 200 | - | - |",
    ]
    assert "16 of 18 on the Cortex-M0" in report_chips.agreement_line(content)
    beside = report_chips.published_table(content).splitlines()
    assert len(beside) == 3 + len(report_chips.PUBLISHED) and "98.76 | 160 |" in beside[2]
    assert report_chips.layers_table(content).splitlines()[2] == "| a | Cortex-M0 | 99 | 1 |"
    rows = report_chips.by_chip(content["rows"])
    assert "smallest program 50% are ones and thresholds, of the largest 80%" in (
        plots_chips.title_of_flash(rows)
    )
    rows[0]["cycles"] = 160_000
    assert plots_chips.title_of_published(rows) == (
        "a: 98.76% of MNIST's test images in 160,000 cycles of a Cortex-M0"
    )
    density = [
        {"kind": kind, "chip": "ATmega328P", "ones": ones, "count": count}
        for kind, ones, count in (
            ("dense", 10, 100), ("dense", 30, 250), ("convolution", 5, 100),
            ("convolution", 20, 150),
        )
    ]
    assert plots_chips.title_of_density(density) == (
        "Cycles follow the ones: 3 times the ones of a dense network take 2.5 times the cycles, 4 "
        "times those of a convolution 1.5 times"
    )


# the committed results


def test_committed_results_are_of_these_sources():
    content = committed("05_microcontroller")
    assert content.keys() >= TOP_KEYS and content["data"] == "MNIST"
    assert content["sources_digest"] == chip_study.digest(), (
        "figures/05_microcontroller.json: its sources have changed since; run its command again"
    )


def test_every_image_got_the_scores_of_python_everywhere():
    content = committed("05_microcontroller")
    for row in content["rows"]:
        for chip, found in row["chips"].items():
            if (row["name"], chip) == ("digits", "ATmega328P"):
                continue
            assert found["same"] == found["images"] == (10000 if chip == "this computer" else 200)


def test_the_account_is_what_compilers_made():
    for row in committed("05_microcontroller")["rows"]:
        for chip, found in row["chips"].items():
            if "flash" in found and not row["coded"]:
                assert found["flash"]["tables"] == pytest.approx(row["told"]["tables"], rel=0.03)
                activations = row["told"]["activations"]
                assert found["ram"]["activations"] == pytest.approx(activations, rel=0.03), chip


def test_networks_keep_to_their_flash_ram_and_instructions():
    targets = {target.name: target for target in chip_networks.TARGETS}
    for row in committed("05_microcontroller")["rows"]:
        if row["name"] not in targets:
            continue
        target, found = targets[row["name"]], row["chips"]["Cortex-M0"]
        assert sum(found["flash"].values()) <= target.flash
        assert sum(found["ram"].values()) <= chip_networks.RAM
        assert found["most"] <= (target.instructions or found["most"])
        assert sum(row["chips"]["ATmega328P"]["ram"].values()) <= chips.ATMEGA328P.ram


def test_committed_networks_are_as_good_as_the_results_say():
    files = sorted((ROOT / "figures" / "chips").glob("*.sbnn"))
    assert sum(path.stat().st_size for path in files) <= 60_000
    if not files or "SBNN_DATA" not in os.environ:
        pytest.skip("there are no trained networks, or no MNIST to test them on")
    rows = {row["name"]: row for row in committed("05_microcontroller")["rows"]}
    mnist = data.load("mnist")
    for path in files:
        predicted = packed.Packed(storage.load(path)).forward(mnist.test_images).argmax(axis=1)
        assert np.mean(predicted == mnist.test_labels) == rows[path.stem]["test_accuracy"]
