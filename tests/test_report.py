"""Tables line up, and what is said of results is what made-up results say."""

import pytest
from lab import report, report_bits, report_curves, tables


def test_numbers_line_up_at_the_right_and_words_at_the_left():
    columns = (
        ("method", lambda row: row[0]), ("ones", lambda row: tables.percent(row[1])),
        ("network", lambda row: row[2]),
    )
    rows = [("0/1", 0.125, "784-10"), ("+-1", None, "20-p-10"), ("0/1", 0.01, "20-p-10")]
    assert tables.aligned(columns, rows) == (
        "method    ones  network\n"
        "0/1     12.50%  784-10\n"
        "+-1          -  20-p-10\n"
        "0/1      1.00%  20-p-10"
    )
    assert tables.aligned(columns[:2], rows, above=lambda row: row[2]).splitlines()[1:] == [
        "784-10", "0/1     12.50%", "20-p-10", "+-1          -", "0/1      1.00%",
    ]
    assert tables.markdown(columns[:2], rows[:2]) == (
        "| method | ones |\n|---|---|\n| 0/1 | 12.50% |\n| +-1 | - |"
    )


def test_groups_are_in_the_order_of_their_first_rows():
    rows = [{"a": 1, "b": 1}, {"a": 2, "b": 4}, {"a": 1, "b": 2}]
    assert tables.grouped(rows, ["a"]) == [[rows[0], rows[2]], [rows[1]]]
    assert tables.mean([rows[0], rows[2]], "b") == 1.5
    assert tables.mean([{"b": None}, {"b": None}], "b") is None


def accuracy_row(method, test, seed=0, density=None, schedule=None):
    return {
        "data": "MNIST", "architecture": "784-10", "method": method, "schedule": schedule,
        "density": density, "test_accuracy": test, "seed": seed, "seconds": 30.0,
        "entropy_bytes": density and 100.0, "compression_weights_entropy": density and 112.34,
    }


def test_the_table_of_accuracy_has_a_line_for_each_group_of_seeds():
    default = {"rows": [accuracy_row("full precision", 0.99)]}
    full = {"rows": [
        accuracy_row("0/1", 0.98, 0, 0.04, "penalty"),
        accuracy_row("0/1", 0.97, 1, 0.05, "penalty"),
    ]}
    assert report.accuracy_table(default, full, "x.py").splitlines()[2:] == [
        "| MNIST | full precision | - | 784-10 | - | 99.00 | - | 1 | `x.py` | 0.5 |",
        "| MNIST | 0/1 | penalty | 784-10 | 5.00% | 97.50 ± 0.50 | 112.3x | 2 | `x.py --full` "
        "| 1.0 |",
    ]


def test_numbers_to_see_name_the_data_where_there_are_two():
    rows = [accuracy_row("0/1", 0.5, schedule="constant")]
    (line,) = report.numbers_to_see({"rows": rows})
    assert line.split() == ["0/1", "constant", "50.00%"]
    lines = report.numbers_to_see({"rows": rows + [rows[0] | {"data": "CIFAR-10"}]})
    assert [line.split()[0] for line in lines] == ["MNIST", "CIFAR-10"]


def test_how_far_growing_was_behind_is_over_methods_at_one_rate():
    def row(method, schedule, accuracy, part="schedules", rate=1):
        return {"method": method, "architecture": "a", "epochs": 2, "rate": rate, "part": part,
                "schedule": schedule, "validation_accuracy": accuracy}

    first = {"rows": [
        row("+-1", None, 0.99), row("0/1", "constant", 0.9), row("0/1", "growing", 0.88),
        row("0/1", "constant", 0.5, rate=2), row("0/1 centred", "constant", 0.95),
        row("0/1 centred", "growing", 0.945), row("0/1 centred", "growing", 0.1, "trials"),
    ]}
    second = {"rows": [row("0/1", "constant", 0.5), row("0/1", "growing", 0.51)]}
    told = report.growing_line(first, second)
    assert "was 0.5 to 2.0 points behind a constant density in the [sweep of chapter 1]" in told
    assert "and -1.0 to -1.0 points behind in the [sweep of chapter 2]" in told


def test_the_penalty_is_told_with_its_densities():
    def row(data, method, schedule, density, accuracy):
        return {"part": "schedules", "data": data, "method": method, "schedule": schedule,
                "density": density, "validation_accuracy": accuracy}

    sweep = {"rows": [
        row("MNIST", "0/1", "constant", 0.05, 0.9), row("MNIST", "0/1", "penalty", 0.0495, 0.91),
        row("CIFAR-10", "0/1 centred", "penalty", 0.14, 0.55),
        row("CIFAR-10", "0/1 centred", "constant", 0.05, 0.549),
    ]}
    told = report.penalty_line(sweep, {"rows": [row("MNIST", "0/1", "penalty", 0.2174, 0.9)]})
    assert "it ended with 4.95% ones for plain LeNet-5" in told
    assert "on all images it ends with 21.74%" in told
    assert told.endswith(
        "reached 55.0% of the validation images in the sweep, and a constant density 54.9%; but it "
        "had 14.00% ones, so the constant density was chosen."
    )


def test_a_race_without_the_bit_sliced_engine_has_no_gain():
    times = {"float32 BLAS": 6.0, "packed words": 12.0}
    assert report_bits.gain({"microseconds": times}) is None
    assert report_bits.gain({"microseconds": times | {"bit-sliced": 1.5}}) == "4.0x"


# chapter 4


def content(method, error, compression=1, adds=10, seed=0, density=None, **others):
    row = {
        "data": "MNIST", "architecture": "784-10", "method": method, "schedule": None,
        "target_density": density, "density": density, "epochs": 1, "seed": seed,
        "test_accuracy": 1 - error / 100, "validation_accuracy": 1 - error / 100,
        "coded_bytes": 1000 / compression, "file_bytes": None, "compression": compression,
        "seconds": 60.0,
        "operations": {"adds": adds, "and_words": 5, "popcount_words": 5, "word_ops": 3},
    }
    return {"part": "curves", "row": row | others, "adds_in_training": None}


def test_tables_and_lines_of_made_up_runs():
    contents = [
        content("full precision", 1.0, 1, 1000), content("+-1", 2.0, 31, 1000),
        content("0/1", 1.8, 100, 50, 0, 0.05), content("0/1", 2.0, 102, 60, 1, 0.05),
        content("0/1", 3.0, 400, 10, 0, 0.01),
    ]
    groups = report_curves.means(contents)
    assert [g["seeds"] for g in groups] == [1, 1, 2, 1]
    assert groups[2]["error"] == pytest.approx(1.9) and groups[2]["spread"] == pytest.approx(0.1)
    assert (groups[2]["low"], groups[2]["high"]) == pytest.approx((1.8, 2.0))
    said = report_curves.claims(contents)
    assert "0/1 at 5.0% ones is 101 times smaller than float32 and errs on 1.90%" in said[1]
    assert "errs on 1.90% (+-1: 2.00%) with 18.2 times fewer additions" in said[2]
    assert "+-1 on 2.00%, full precision on 1.00%" in said[3]


def test_where_no_network_is_as_good_as_signs_the_answer_says_so():
    contents = [
        content("full precision", 1.0), content("+-1", 2.0, 31), content("0/1", 2.5, 100),
    ]
    for each, density in zip(contents, (None, None, 0.05)):
        each["row"] |= {"density": density, "target_density": density}
    assert any(
        line.endswith("on validation images no 0/1 network errs as little as +-1")
        for line in report_curves.claims(contents)
    )


def test_the_way_to_grow_is_picked_by_validation():
    contents = [
        content("0/1", 2.0, schedule="shrinking", validation_accuracy=0.99),
        content("0/1", 1.5, schedule="growing", validation_accuracy=0.98),
    ]
    for each in contents:
        each |= {"part": "growth", "adds_in_training": 2.5e9}
    assert report_curves.claims(contents)[1:] == [
        "    MNIST, 1 epochs: validation prefers shrinking, which errs on 2.00% of test images "
        "(growing 1.50%)"
    ]
    assert report_curves.growth_table(contents).splitlines()[2:] == [
        "| MNIST | 784-10 | 1 | growing | 1.50 | 2.00 | 2.5 |",
        "| MNIST | 784-10 | 1 | shrinking | 2.00 | 1.00 | 2.5 |",
    ]
