"""Labels from a CSV with the columns file and label, and split and group where wanted."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping

from engine.datasets._decode import SUFFIXES
from engine.errors import DatasetError
from engine.imports.layout import PARTS, Row, Rows
from engine.imports.limits import LIMITS, Item, Limits, normal, shown

COLUMNS = {
    "file": ("file", "filename", "file_name", "path", "image"),
    "label": ("label", "class", "class_name"),
    "split": ("split", "part", "subset"),
    "group": ("group", "group_id"),
}
MAX_FIELD = 4_096
MAX_LINES = 1_000_000


def find(items: Iterable[Item], wanted: str | None) -> Item | None:
    """The table among the files of a source: the one asked for, or the only CSV at its top that has the columns.

    Raises:
        DatasetError: the one asked for is not there.
    """
    tables = [item for item in items if item.name.lower().endswith(".csv") and not item.parts[-1].startswith(".")]
    if wanted:
        name = normal(wanted.replace("\\", "/")).removeprefix("./")
        fits = [item for item in tables if item.name == name] or [item for item in tables if item.parts[-1] == name]
        if len(fits) == 1:
            return fits[0]
        known = ", ".join(shown(item.name) for item in tables[:5]) or "none"
        raise DatasetError(f"There is no table {shown(wanted)} in the source (CSV files there: {known}).")
    top = min((len(item.parts) for item in tables), default=0)
    fits = [item for item in tables if len(item.parts) == top and _has_columns(item)]
    return fits[0] if len(fits) == 1 else None


def _has_columns(item: Item) -> bool:
    try:
        _columns(_lines(item.read(), item.name)[0], item.name)
    except Exception:  # another table (or a damaged one): labels then come from the folders
        return False
    return True


def rows_of(table: Item, known: Mapping[str, Item], base: str = "", limits: Limits = LIMITS) -> Rows:
    """The labelled images of a table.

    Args:
        table: the CSV.
        known: the files that it may name, by path; where it can be counted, those it does not name are counted.
        base: the folder that its paths start from, with `/` at its end, or empty.
        limits: of its size.

    Raises:
        DatasetError: no such columns, not UTF-8, too long, or no line that can be used; lines are named by number.
    """
    content = table.read()
    if len(content) > limits.table:
        raise DatasetError(f"{shown(table.name)} is larger than {limits.table / 1e6:,.0f} MB.")
    header, lines = _lines(content, table.name)
    places = _columns(header, table.name)
    found = Rows([], layout=f"the table {table.parts[-1]}")
    # A column that is empty everywhere is not there.
    used = {key for key, place in places.items() if any(place < len(line) and line[place].strip() for _, line in lines)}
    seen: dict[str, str] = {}
    for number, line in lines:
        value = {key: line[place].strip() if place < len(line) else "" for key, place in places.items() if key in used}
        row, why = _row(value, known, base, used)
        if row is not None and row.item.name in seen:
            same = seen[row.item.name] == row.label
            row, why = None, "is named twice" if same else f"is named twice, also as {shown(seen[row.item.name])}"
        if row is None:
            found.bad.append(f"line {number}: {shown(value.get('file', ''))} {why}")
            continue
        seen[row.item.name] = row.label
        found.rows.append(row)
    left = sum(item.name.lower().endswith(SUFFIXES) and item.name not in seen for item in known.values())
    if left:
        found.notes.append(f"Images that the table does not name, left out: {left:,}.")
    return found


def _row(value: dict[str, str], known: Mapping[str, Item], base: str, used: set[str]) -> tuple[Row | None, str]:
    """A line as a row, or why it is none."""
    name = normal(value.get("file", "")).removeprefix("./")
    if not name:
        return None, "names no file"
    if name.startswith("/") or "\\" in name or ".." in name.split("/") or name[1:2] == ":":
        return None, "is no path below the table's folder (with / between folders)"
    item = known.get(base + name) or known.get(name)
    if item is None:
        return None, "is not there"
    if not item.name.lower().endswith(SUFFIXES):
        return None, "is no image by its name"
    if not value.get("label"):
        return None, "has no label"
    part = None
    if "split" in used:
        part = PARTS.get(value["split"].casefold())
        if part is None:
            return None, f"has the split {shown(value['split'])}, which is none of {', '.join(PARTS)}"
    return Row(item, value["label"], part, value.get("group") or None), ""


def _lines(content: bytes, name: str) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The header, and (line number, fields) of every line below it."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DatasetError(f"{shown(name)} is not UTF-8 (byte {error.start}); save it as CSV UTF-8.") from error
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    lines = []
    try:
        for line in reader:
            if any(len(value) > MAX_FIELD for value in line) or len(lines) > MAX_LINES:
                raise DatasetError(
                    f"{shown(name)}, line {reader.line_num}: more than {MAX_FIELD:,} characters in a field, or more than"
                    f" {MAX_LINES:,} lines."
                )
            if any(value.strip() for value in line):
                lines.append((reader.line_num, line))
    except csv.Error as error:
        raise DatasetError(f"{shown(name)}, line {reader.line_num}, cannot be read: {error}.") from error
    if not lines:
        raise DatasetError(f"{shown(name)} is empty.")
    return lines[0][1], lines[1:]


def _columns(header: list[str], name: str) -> dict[str, int]:
    """Place of each column by what it is. Raises DatasetError where file or label is missing."""
    given = [value.strip().casefold() for value in header]
    places = {}
    for key, names in COLUMNS.items():
        if fits := [given.index(one) for one in names if one in given]:
            places[key] = fits[0]
    if missing := [key for key in ("file", "label") if key not in places]:
        raise DatasetError(
            f"{shown(name)} has no column {' and no column '.join(missing)} (its first line: {', '.join(header)[:120]!r})."
            " Wanted: file,label, and split and group where there are some."
        )
    return places
