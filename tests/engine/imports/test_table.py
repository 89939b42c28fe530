"""Tables: columns by several names, lines that cannot be used, other encodings, absurd sizes."""

from __future__ import annotations

import pytest

from engine.datasets._decode import BrokenImage
from engine.errors import DatasetError
from engine.imports import table
from engine.imports.limits import Item, Limits


def item(name: str, content: bytes = b"x") -> Item:
    return Item(name, len(content), lambda: content)


KNOWN = {name: item(name) for name in ("1.png", "2.png", "in/3.png", "notes.txt", "\u00e9.png")}


def rows(text: str | bytes, **options):
    content = text.encode() if isinstance(text, str) else text
    return table.rows_of(item("t.csv", content), KNOWN, **options)


def test_columns_by_several_names_separators_and_a_byte_order_mark():
    for text in (
        "file,label,split,group\n1.png,a,train,g\n",
        "\ufeffFilename;Class;Subset;Group_ID\r\n1.png;a;TRAIN;g\r\n\r\n",
        "x\tpath\tclass_name\tpart\tgroup\n9\t./1.png\t a \tTrain\tg\n",
    ):
        (row,) = rows(text).rows
        assert (row.item.name, row.label, row.part, row.group) == ("1.png", "a", "train", "g")


def test_a_column_that_is_empty_everywhere_is_not_there():
    (row,) = rows("file,label,split,group\n1.png,a,,\n").rows
    assert (row.part, row.group) == (None, None)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("/etc/passwd,a", "no path below"),
        ("../1.png,a", "no path below"),
        ("in\\3.png,a", "no path below"),
        ("C:1.png,a", "no path below"),
        ("absent.png,a", "is not there"),
        ("notes.txt,a", "no image by its name"),
        (",a", "names no file"),
        ("1.png,", "has no label"),
        ("1.png", "has no label"),
    ],
)
def test_lines_that_cannot_be_used_are_named_by_number(line, why):
    found = rows(f"file,label\n2.png,b\n{line}\n")
    assert [row.item.name for row in found.rows] == ["2.png"]
    (said,) = found.bad
    assert said.startswith("line 3: ")
    assert why in said


def test_files_named_twice():
    found = rows("file,label\n1.png,a\n1.png,a\n1.png,b\n")
    assert len(found.rows) == 1
    assert [line.partition(" is ")[2] for line in found.bad] == ["named twice", "named twice, also as 'a'"]


def test_a_split_that_is_none():
    found = rows("file,label,split\n1.png,a,train\n2.png,a,holdout\nin/3.png,a,\n")
    assert "'holdout', which is none of train, val" in found.bad[0]
    assert len(found.bad) == 2


def test_images_that_no_line_names_are_counted():
    assert rows("file,label\n1.png,a\n").notes == ["Images that the table does not name, left out: 3."]


def test_one_spelling_of_accents():
    assert rows("file,label\ne\u0301.png,a\n").rows[0].item.name == "\u00e9.png"


def test_paths_are_those_of_the_tables_folder_or_of_the_source():
    assert [row.item.name for row in rows("file,label\n3.png,a\n1.png,b\n", base="in/").rows] == ["in/3.png", "1.png"]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"name,label\n1.png,a\n", "has no column file"),
        (b"1.png,a\n2.png,b\n", "has no column file and no column label"),
        ("file,label\n1.png,\u00e4\n".encode("latin-1"), "not UTF-8"),
        (b"file,label\n1.png," + b"a" * 5000, "characters in a field"),
        (b'file,label\n1.png,"' + b"a" * 200_000 + b'"\n', "field"),
    ],
)
def test_tables_that_cannot_be_used(content, why):
    with pytest.raises(DatasetError, match=why):
        rows(content)


def test_a_table_that_is_too_large():
    with pytest.raises(DatasetError, match="larger than"):
        rows("file,label\n1.png,a\n", limits=Limits(table=10))


def test_which_table_is_meant():
    good, other = item("x/labels.csv", b"file,label\n"), item("x/prices.csv", b"day,price\n")
    items = [*KNOWN.values(), other, good, item("x/y/deep.csv", b"file,label\n")]
    assert table.find(items, None) is good
    assert table.find(items, "prices.csv") is other
    assert table.find(items, "./x/labels.csv") is good
    assert table.find([*items, item("x/more.csv", b"file,label\n")], None) is None
    assert table.find(KNOWN.values(), None) is None
    with pytest.raises(DatasetError, match=r"no table 'absent.csv'.*'x/prices.csv'"):
        table.find(items, "absent.csv")


def test_a_table_that_cannot_be_read_leaves_the_folders():
    def broken() -> bytes:
        raise BrokenImage("damaged in the zip")

    assert table.find([Item("labels.csv", 1, broken)], None) is None
