"""The trials as text: what was found for each way, and what each idea was worth beside it."""

from lab.sweep import best_of
from lab.tables import markdown, percent

SEARCH = ("rates", "eps", "memory", "again")      # the parts of a search; "seeds" repeats its best
USUAL = {"eps": 1e-5, "beta2": 0.999, "fade": 0.0}


def ways(content):
    """The rows of the trials on a data set, way by way: dict from a way to a list of rows."""
    found = {}
    for row in content["rows"]:
        found.setdefault(row["way"], []).append(row)
    return found


def accuracies(rows):
    """Mean of the validation accuracies of some seeds, and the largest distance of one from it."""
    values = [row["validation_accuracy"] for row in rows]
    mean = sum(values) / len(values)
    return mean, max(abs(value - mean) for value in values)


def settings(row):
    """What makes a training forget, in words: "eps 1, beta2 0.98, fade 0.03"."""
    return ", ".join(
        f"{name} {row['settings'].get(name, usual):g}" for name, usual in USUAL.items()
    )


def search_table(contents):
    """What the search found for each way, and what it is worth; as Markdown.

    Parameters
    ----------
    contents : list of dict
        Of figures/*_trials.json.
    """
    rows = []
    for content in contents:
        for way, mine in ways(content).items():
            plain = best_of([row for row in mine if row["part"] == "rates"])
            seeds = [row for row in mine if row["part"] == "seeds"]
            rows.append((content["data"], way, mine, plain, seeds))
    return markdown((
        ("data", lambda r: r[0]),
        ("way", lambda r: r[1]),
        ("runs", lambda r: sum(row["part"] in SEARCH for row in r[2])),
        ("usual settings, best rate: valid", lambda r: percent(r[3]["validation_accuracy"])),
        ("found: rate", lambda r: f"{r[4][0]['rate']:g}"),
        ("found: settings", lambda r: settings(r[4][0])),
        ("valid (%), three seeds", lambda r: "{:.2f} ± {:.2f}".format(
            *(100 * value for value in accuracies(r[4]))
        )),
        ("ones", lambda r: percent(r[4][0]["density"])),
    ), rows)


def growing_line(content):
    """How networks that grew did beside a constant density in the trials, in a sentence."""
    by = {
        way: accuracies([row for row in rows if row["part"] == "seeds"])
        for way, rows in ways(content).items()
    }
    told = {way: "{:.2f} ± {:.2f}%".format(*(100 * v for v in by[way])) for way in by}
    return (
        "Both sweeps had the usual settings of batch norm and Adam. Where these were searched for, "
        f"too, in the [trials](../figures/README.md) on {content['data']}, networks grown by "
        f"gradient reached {told['grown by gradient']} of the validation images, those of a "
        f"constant density {told['constant']}, and those grown by timetable {told['growing']}."
    )


def helps(rows, before):
    """Whether an idea gains more than the spread of seeds, with it or without.

    Parameters
    ----------
    rows, before : list of dict
        The same seeds with the idea and without.
    """
    (mean, spread), (mean_before, spread_before) = accuracies(rows), accuracies(before)
    return mean - mean_before > max(spread, spread_before)


def ideas_table(contents):
    """What each idea was worth beside the best of its way; as Markdown.

    Parameters
    ----------
    contents : see `search_table`
    """
    rows = []
    for content in contents:
        for way, mine in ways(content).items():
            before = [row for row in mine if row["part"] == "seeds"]
            for idea in dict.fromkeys(row["part"] for row in mine):
                if idea not in (*SEARCH, "seeds"):
                    tried = [row for row in mine if row["part"] == idea]
                    rows.append((content["data"], way, idea, tried, before))
    return markdown((
        ("data", lambda r: r[0]),
        ("way", lambda r: r[1]),
        ("with", lambda r: r[2]),
        ("valid (%), three seeds", lambda r: "{:.2f} ± {:.2f}".format(
            *(100 * value for value in accuracies(r[3]))
        )),
        ("gain", lambda r: f"{100 * (accuracies(r[3])[0] - accuracies(r[4])[0]):+.2f}"),
        ("ones", lambda r: percent(max(row["density"] for row in r[3]))),
        ("more than the spread", lambda r: "yes" if helps(r[3], r[4]) else "no"),
    ), rows)
