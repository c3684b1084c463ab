"""Write the tables of the READMEs, and results.csv, again from the committed JSON.

Nothing is trained.

    PYTHONPATH=walkthrough python -m lab.rewrite

A generated part of a page stands between two lines, <!-- begin: name --> and <!-- end -->.
"""

import re

from lab import (
    csv_of_results,
    experiment,
    growing,
    recipes,
    redraw,
    report,
    report_bits,
    report_chips,
    report_curves,
    report_trials,
)
from sbnn_np.support import atomic

ROOT = experiment.FIGURES.parent


def front():
    """Generated parts of the front page: from a name to text, as in the others below."""
    return {"networks": report_bits.front_table(redraw.read("03_bits_and_bytes.json"))}


def trials():
    """The contents of the trials, of each data set that has been tried."""
    return [redraw.read(path.name) for path in sorted(redraw.FIGURES.glob("*_trials.json"))]


def results():
    """Generated parts of figures/README.md."""
    bits = redraw.read("03_bits_and_bytes.json")
    first, long_first = redraw.read("01_mlp_mnist.json"), redraw.read("01_mlp_mnist_full.json")
    second = redraw.read("02_conv_cifar10.json")
    long_second = redraw.read("02_conv_cifar10_full.json")
    equal = [recipe for _, recipe in recipes.equal_bytes(0)]
    chosen = [recipe for _, recipe in recipes.chapter_2(0, full=True)]
    curves = redraw.runs_of_curves()
    on_chips = redraw.read("05_microcontroller.json")
    return {
        "race": report_bits.race_table(bits),
        "slope": report_bits.slope_line(bits),
        "batches": report_bits.batch_table(bits),
        "convolution": report_bits.conv_line(bits),
        "chapter 1": report.accuracy_table(first, long_first, "01_mlp_mnist.py"),
        "step of chapter 1": report.step_line(first),
        "mends": growing.told(first["mends"]),
        "search": report_trials.search_table(trials()),
        "ideas": report_trials.ideas_table(trials()),
        "chapter 2": report.accuracy_table(second, long_second, "02_conv_cifar10.py"),
        "penalty": report.penalty_line(redraw.read("02_sweep.json"), second),
        "equal bytes": report.markdown(
            report.EQUAL_BYTES, [long_second["rows"][chosen.index(recipe)] for recipe in equal]
        ),
        "step of chapter 2": report.step_line(second),
        "curves": report_curves.curves_table(curves),
        "claims": report_curves.claims_list(curves),
        "growth": report_curves.growth_table(curves),
        "chips": report_chips.table(on_chips),
        "agreement on chips": report_chips.agreement_line(on_chips),
        "published": report_chips.published_table(on_chips),
        "layouts": report_chips.layouts_table(on_chips),
        "layers on chips": report_chips.layers_table(on_chips),
    }


def departures():
    """Generated parts of walkthrough/README.md."""
    sweeps = redraw.read("01_sweep.json"), redraw.read("02_sweep.json")
    return {
        "trials": report.trials_table(sweeps[1]),
        "growing": report.growing_line(*sweeps) + "\n" + report_trials.growing_line(trials()[0]),
    }


PAGES = {
    "README.md": front, "figures/README.md": results, "walkthrough/README.md": departures,
}


def rewritten(page, parts):
    """A page with its generated parts as they are to be.

    Parameters
    ----------
    page : str
    parts : dict
        From the name of each generated part to its text.

    Returns
    -------
    page : str

    Raises
    ------
    ValueError
        If the page has other parts.

    Examples
    --------
    >>> rewritten("<!-- begin: a -->\\nold\\n<!-- end -->", {"a": "new"})
    '<!-- begin: a -->\\nnew\\n<!-- end -->'
    """
    found = re.findall(r"<!-- begin: (.*?) -->", page)
    if sorted(found) != sorted(parts):
        raise ValueError(f"page: its generated parts are {found}; they must be {list(parts)}")

    def write(match):
        return f"<!-- begin: {match[1]} -->\n{parts[match[1]]}\n<!-- end -->"

    return re.sub(r"<!-- begin: (.*?) -->.*?<!-- end -->", write, page, flags=re.DOTALL)


if __name__ == "__main__":
    for name, parts in PAGES.items():
        path = ROOT / name
        page = path.read_text(encoding="utf-8")
        atomic.write(path, rewritten(page, parts()).encode())
        print(name)
    for name in csv_of_results.write():
        print(f"figures/{name}")
