"""Figures are drawn whatever MPLBACKEND says, and their titles say what is so."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from lab import (
    plots,
    plots_bits,
    plots_convolution,
    plots_curves,
    plots_growth,
    plots_training,
    redraw,
)

WALKTHROUGH = Path(__file__).parents[1] / "walkthrough"


@pytest.mark.container
def test_figures_need_no_backend():
    code = "from lab import plots; print(plots.png(plots.figure('t')[0])[:4])"
    path = os.pathsep.join([str(WALKTHROUGH), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True,
        env=os.environ | {"MPLBACKEND": "nonsense", "PYTHONPATH": path},
    )
    assert done.returncode == 0, done.stderr
    assert "PNG" in done.stdout


@pytest.mark.parametrize("places, moved", [
    ([], []),
    ([5, 1], [5, 1]),
    ([0, 10, 10], [0, 9, 11]),
    ([3, 3, 3], [1, 3, 5]),
    ([0, 1, 2.5], [-0.5 - 1 / 3, 1 + 1 / 6, 3 + 1 / 6]),
])
def test_labels_move_apart_as_little_as_needed(places, moved):
    assert plots.spread(places, 2) == pytest.approx(moved)


def test_redraw_draws_every_committed_figure_that_needs_no_data():
    drawn = redraw.front() | redraw.teaching()
    drawn |= redraw.chapter_1() | redraw.chapter_3() | redraw.chapter_4()
    drawn |= redraw.chapter_5()
    committed = {path.stem for path in redraw.FIGURES.glob("*.png")}
    assert drawn.keys() == {name for name in committed if not name.startswith("02_")}
    assert all(picture.startswith(b"\x89PNG") for picture in drawn.values())


# chapter 1


def accuracy(method, validation, test):
    return {"method": method, "data": "MNIST", "density": 0.05,
            "validation_accuracy": validation, "test_accuracy": test}


def test_the_title_of_accuracy_tells_both_sets_and_who_is_ahead():
    floats, centred = accuracy("full precision", 0.95, 0.94), accuracy("0/1 centred", 0.938, 0.931)
    assert plots_training.title_of_accuracy([floats, centred]) == (
        "MNIST, 5% ones: centred 0/1 weights end 1.2 points behind full precision on validation "
        "images, and 0.9 points behind it on test images"
    )
    signs = accuracy("+-1", 0.94, 0.92)
    assert plots_training.title_of_accuracy([signs, centred]) == (
        "MNIST, 5% ones: centred 0/1 weights end 0.2 points behind +-1 on validation images, and "
        "1.1 points ahead of it on test images"
    )


# chapter 2


def test_the_title_of_layers_names_a_network_that_missed_its_density():
    def row(density, schedule):
        return {"data": "MNIST", "method": "0/1", "schedule": schedule, "density": density,
                "target_density": 0.05, "layer_densities": [0.31, 0.028]}

    told = "Layers share the ones unequally: from 2.8% in one layer to 31% in another"
    assert plots_convolution.title_of_layers([row(0.05, "constant")]) == told
    assert plots_convolution.title_of_layers([row(0.2, "penalty"), row(0.05, "constant")]) == (
        told + ". MNIST, 0/1 by penalty: 20.0% in all, where 5% were asked for"
    )


# chapter 3


def test_the_title_of_bytes_is_about_the_whole_file():
    row = {"method": "0/1", "density": 0.02, "float32_bytes": 3000, "file_bytes": 20}
    assert plots_bits.title_of_bytes(row) == (
        "The whole file of a 0/1 network with 2% ones is 150 times smaller than its float32 numbers"
    )


@pytest.mark.parametrize("sliced, single, told", [
    (3, 500, "8 times faster than float32 products on 64 images at a time, and 5 times slower on"),
    (48, 25, "2 times slower than float32 products on 64 images at a time, and 4 times faster on"),
])
def test_the_title_of_times_tells_the_gain_and_the_loss(sliced, single, told):
    race = [{"method": "0/1", "density": 0.05,
             "microseconds": {"float32 BLAS": 24, "bit-sliced": sliced}}]
    by_batch = [
        {"batch": 1, "microseconds": {"float32 BLAS": 100, "bit-sliced": single}},
        {"batch": 64, "microseconds": {"float32 BLAS": 24, "bit-sliced": sliced}},
    ]
    title = plots_bits.title_of_time(race, by_batch)
    assert title == f"At 5% ones, bit-sliced addition is {told} one image"


def test_the_title_of_operations_tells_where_lines_cross():
    counts = {"densities": [0.01, 0.1], "words": [100, 100], "adds": [10, 1000],
              "word_ops": [1, 100]}
    assert plots_bits.title_of_operations(counts) == (
        "Below 3.2% ones single additions are fewer than operations on packed words; bit-sliced "
        "operations are fewer below 10%"
    )


# chapter 4


def group(method, validation, error, compression=1, adds=1000, density=None, architecture="784-10"):
    return {"method": method, "architecture": architecture, "epochs": 2, "validation": validation,
            "error": error, "compression": compression, "adds": adds, "density": density}


def test_the_title_of_compression_picks_by_validation():
    floats = [group("full precision", 1.0, 0.9), group("full precision", 1.1, 0.8)]
    small = group("0/1", 2.0, 2.5, 70, density=0.1)
    better_on_the_test = group("0/1 centred", 2.1, 2.2, 120, density=0.05)
    too_large = group("0/1 centred", 1.5, 1.5, 40, density=0.2)
    told = "MNIST: of networks at least 64 times smaller than float32, validation prefers one of "
    title = plots_curves.title_of_bytes([*floats, small, better_on_the_test, too_large], "MNIST")
    assert title == told + "0/1 weights, 10% ones: 2.5% test error (0.9% in full precision)"
    title = plots_curves.title_of_bytes([*floats, better_on_the_test, too_large], "MNIST")
    assert title == told + "0/1 centred weights, 5% ones: 2.2% test error (0.9% in full precision)"
    assert plots_curves.title_of_bytes([*floats, too_large], "MNIST") == (
        "MNIST: test error against size"
    )


def test_the_title_of_additions_tells_a_loss_as_a_loss():
    signs = group("+-1", 2.0, 2.0)
    few = group("0/1", 2.1, 1.5, adds=10)
    level, more = (group("0/1 centred", 1.9, error, adds=500) for error in (1.7, 2.3))
    told = (
        "MNIST: 2.0 times fewer additions than +-1, for a 0/1 centred network that is as good on "
        "validation images; on test images it errs 0.3 points {} (784-10)"
    )
    assert plots_curves.title_of_adds([signs, few, level], "MNIST") == told.format("less")
    assert plots_curves.title_of_adds([signs, few, more], "MNIST") == told.format("more")
    assert plots_curves.title_of_adds([signs, few], "MNIST") == (
        "MNIST: on validation images no 0/1 network reaches its +-1 network"
    )
    elsewhere = group("0/1", 1.0, 1.0, adds=1, architecture="784-99-10")
    assert "no 0/1 network" in plots_curves.title_of_adds([signs, elsewhere], "MNIST")


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("methods, drawn", [
    (["full precision"], set()),
    (["+-1"], {"bytes_mnist", "adds_mnist"}),
    (["+-1", "0/1 centred"], {"bytes_mnist", "adds_mnist"}),
])
def test_a_part_of_the_curves_is_drawn(methods, drawn):
    contents = [{"part": "curves", "adds_in_training": None, "row": {
        "data": "stroke digits", "architecture": "784-10", "method": method, "schedule": None,
        "target_density": None, "density": None, "epochs": 1, "test_accuracy": 0.9,
        "validation_accuracy": 0.9, "coded_bytes": 9, "file_bytes": 9, "float32_bytes": 90,
        "compression": 10.0, "seconds": 1,
        "operations": {"adds": 9, "and_words": 5, "popcount_words": 5, "word_ops": 3},
    }} for method in methods]
    assert plots_curves.figures(contents).keys() == drawn


def run(schedule, validation, test, epochs=4, data="MNIST"):
    return {"row": {"data": data, "epochs": epochs, "schedule": schedule,
                    "validation_accuracy": validation, "test_accuracy": test}}


def test_the_best_way_to_grow_is_picked_by_validation_after_the_longest_training():
    contents = [
        run("growing", 0.90, 0.95), run("shrinking", 0.92, 0.94), run("constant", 0.99, 0.99, 2),
        run("growing", 0.5, 0.4, data="CIFAR-10"), run("constant", 0.4, 0.6, data="CIFAR-10"),
    ]
    assert plots_growth.title_of_growth(contents) == (
        "Three ways to 5% ones. After the longest training, validation prefers shrinking on MNIST "
        "(6.0% test error) and growing on CIFAR-10 (60.0% test error)"
    )


def test_a_network_of_one_setting_shares_the_panel_of_the_most_similar_one():
    def of(architecture, epochs, count):
        return [
            group("0/1", 1, 1, architecture=architecture) | {"epochs": epochs, "float32": 8}
            for _ in range(count)
        ]

    short, long, conv = of("784-9-10", 2, 3), of("784-9-10", 5, 4), of("20-p-10", 3, 3)
    single = of("784-5-10", 9, 1)
    assert plots_curves.networks(single + conv + long + short) == [short, long + single, conv]
    assert plots_curves.networks(single) == [single]
