"""One way to make tables. A column is a title and a function from a row to its text.

    columns = (("method", lambda row: row["method"]), ("ones", lambda row: percent(row["density"])))

The text is None where a method has no such number; the table then shows "-".
"""

import re

NUMBER = re.compile(r"-|-?[\d,.]+[%x]?")


def percent(fraction, digits=2):
    """A fraction in %, as text, or None for None.

    Examples
    --------
    >>> percent(0.05)
    '5.00%'
    """
    return None if fraction is None else f"{100 * fraction:.{digits}f}%"


def texts(columns, rows):
    """The titles and then each row, as lists of text."""
    shown = [[show(row) for _, show in columns] for row in rows]
    return [
        [title for title, _ in columns],
        *[["-" if text is None else str(text) for text in row] for row in shown],
    ]


def aligned(columns, rows, above=None):
    """A table as plain text, whose numbers line up at the right and words at the left.

    Parameters
    ----------
    columns : sequence of (title, function)
        See the top of this file.
    rows : list
        Anything that the functions take.
    above : function, optional
        From a row to a line that stands above it where it differs from that of the row before.

    Returns
    -------
    table : str

    Examples
    --------
    >>> columns = (("method", lambda row: row[0]), ("ones", lambda row: percent(row[1])))
    >>> print(aligned(columns, [("0/1", 0.05), ("full precision", None)]))
    method           ones
    0/1             5.00%
    full precision      -
    """
    table = texts(columns, rows)
    widths = [max(map(len, column)) for column in zip(*table)]
    words = [not all(NUMBER.fullmatch(text) for text in column) for column in zip(*table[1:])]
    lines, last = [], None
    for row, cells in zip([None, *rows], table):
        if above and row is not None and above(row) != last:
            last = above(row)
            lines.append(last)
        lines.append("  ".join(
            cell.ljust(width) if word else cell.rjust(width)
            for cell, width, word in zip(cells, widths, words)
        ).rstrip())
    return "\n".join(lines)


def markdown(columns, rows):
    """A table in Markdown.

    Parameters
    ----------
    columns, rows : see `aligned`

    Returns
    -------
    table : str

    Examples
    --------
    >>> print(markdown((("method", lambda row: row),), ["0/1", "+-1"]))
    | method |
    |---|
    | 0/1 |
    | +-1 |
    """
    titles, *cells = (f"| {' | '.join(row)} |" for row in texts(columns, rows))
    return "\n".join([titles, "|" + "---|" * len(columns), *cells])


def grouped(rows, names):
    """Rows that agree in some numbers, such as those that differ in their seed alone.

    Parameters
    ----------
    rows : list of dict
    names : sequence of str
        The keys that rows of a group agree in.

    Returns
    -------
    groups : list of list of dict
        In the order of their first rows.
    """
    found = {}
    for row in rows:
        found.setdefault(tuple(row[name] for name in names), []).append(row)
    return list(found.values())


def mean(rows, name):
    """Mean of a number over rows, or None where they have none."""
    values = [row[name] for row in rows]
    return None if values[0] is None else sum(values) / len(values)


def with_spread(value, spread, seeds, sign):
    """A mean and the largest distance of a seed from it, where there are several seeds.

    Examples
    --------
    >>> with_spread(98.5, 0.25, 3, "±"), with_spread(98.5, 0.0, 1, "±")
    ('98.50 ± 0.25', '98.50')
    """
    return f"{value:.2f} {sign} {spread:.2f}" if seeds > 1 else f"{value:.2f}"
