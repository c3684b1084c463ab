"""Results of chapter 5 as text: for the chapter itself and for figures/README.md."""

from lab import chip_study
from lab.tables import markdown

# what others published; cycles of a CH32V003 are those of a RISC-V processor without multiplier
BITNET = "docs of cpldcpu/BitNetMCU"
PUBLISHED = (
    {"name": "BitNetMCU, dense, code in RAM", "chip": "CH32V003, 48 MHz", "weights": "12.3 kB",
     "accuracy": 0.9902, "cycles": 653_965, "source": BITNET},
    {"name": "BitNetMCU, dense, code in flash", "chip": "CH32V003, 48 MHz", "weights": "12.3 kB",
     "accuracy": 0.9902, "cycles": 903_209, "source": BITNET},
    {"name": "BitNetMCU, convolution", "chip": "CH32V003, 48 MHz", "weights": "3.2 kB",
     "accuracy": 0.9892, "cycles": 686_490, "source": BITNET},
    {"name": "BitNetMCU, convolution", "chip": "CH32V003, 48 MHz", "weights": "11 kB",
     "accuracy": 0.9955, "cycles": 2_736_250, "source": BITNET},
    {"name": "TinyMaix, a smaller MNIST model", "chip": "ATmega328, 16 MHz", "weights": "2.4 KB",
     "accuracy": None, "cycles": 800_000, "source": "README of sipeed/TinyMaix, 50 ms"},
)


def by_chip(rows):
    """A row for each network on each simulated chip where it runs."""
    return [
        {**row, **found, "chip": chip} for row in rows for chip, found in row["chips"].items()
        if "flash" in found
    ]


def cycles(row):
    """Cycles of an image, as text; None where they were not counted."""
    return f"{row['cycles']:,}" if row.get("cycles") else None


def accuracy(row):
    """Test accuracy in %, as text; None of a network that was not trained."""
    return row["test_accuracy"] and f"{100 * row['test_accuracy']:.2f}"


COLUMNS = (
    ("network", lambda row: row["name"]),
    ("weights", lambda row: row["method"]),
    ("architecture", lambda row: row["architecture"]),
    ("ones", lambda row: f"{row['ones']:,}"),
    ("accuracy (%)", accuracy),
    ("chip", lambda row: row["chip"]),
    ("tables", lambda row: f"{row['flash']['tables']:,}"),
    ("flash", lambda row: f"{sum(row['flash'].values()):,}"),
    ("RAM", lambda row: f"{sum(row['ram'].values()):,}"),
    ("instructions", lambda row: f"{row['count']:,}" if row["chip"] == "Cortex-M0" else None),
    ("cycles", cycles),
)


def energy(row):
    """Energy of an image, as text; None where cycles were not counted."""
    return row.get("cycles") and f"{chip_study.millijoules(row['chip'], row['cycles']):.3f}"


def table(content):
    """Each network on each chip, in Markdown."""
    return markdown((*COLUMNS, ("mJ", energy)), by_chip(content["rows"]))


def published_table(content):
    """Our networks on the Cortex-M0 beside what others published, in Markdown."""
    ours = [
        {"name": f"`{row['name']}`", "chip": "Cortex-M0, 16 MHz", "accuracy": row["test_accuracy"],
         "weights": f"{row['flash']['tables'] / 1000:.1f} kB", "cycles": row["cycles"],
         "source": "the table above"}
        for row in by_chip(content["rows"]) if row["chip"] == "Cortex-M0" and row.get("cycles")
    ]
    return markdown((
        ("network", lambda row: row["name"]),
        ("chip", lambda row: row["chip"]),
        ("weights", lambda row: row["weights"]),
        ("accuracy (%)", lambda row: row["accuracy"] and f"{100 * row['accuracy']:.2f}"),
        ("cycles", lambda row: f"{row['cycles']:,}"),
        ("from", lambda row: row["source"]),
    ), [*ours, *PUBLISHED])


def agreement_line(content):
    """How many images got the same scores where, in a sentence."""
    told = []
    for chip in content["rows"][0]["chips"]:
        found = [row["chips"][chip] for row in content["rows"] if "same" in row["chips"][chip]]
        same, images = (sum(each[what] for each in found) for what in ("same", "images"))
        told.append(f"{same:,} of {images:,} on {'the ' * (chip[0].isupper())}{chip}")
    return (
        f"Scores that are Python's to the last bit, all networks together: {', '.join(told)}. (A "
        "network that computes the class alone is counted where its class is Python's.)"
    )


def layouts_table(content):
    """One dense network in two layouts, on each chip, in Markdown."""
    return markdown((
        ("layout", lambda row: row["layout"]),
        ("chip", lambda row: row["chip"]),
        ("tables (bytes)", lambda row: f"{row['tables']:,}"),
        ("code (bytes)", lambda row: f"{row['code']:,}"),
        ("instructions or cycles", lambda row: f"{row['count']:,}"),
    ), content["layouts"])


def layers_table(content):
    """What each layer takes, in Markdown."""
    most = max(len(row["layers"]) for row in by_chip(content["rows"]))

    def layer(i):
        return lambda row: f"{row['layers'][i]:,}" if i < len(row["layers"]) else None

    return markdown((
        ("network", lambda row: row["name"]),
        ("chip", lambda row: row["chip"]),
        *((f"layer {i + 1}", layer(i)) for i in range(most)),
    ), by_chip(content["rows"]))
