"""Every value of a TOML file has a line, and it is the right one."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.policy.lines import lines_of

TRICKY = '''# a comment with = and [brackets]
plain = 1 # "not a string
"quoted.key" = 'it''s'
dotted.inner . "x y" = true
text = """
[not.a.table]
key = "\\""" # nor a key
"""
literal = \'\'\'
a = ''\'\'\'
list = [ # [
    1, "],", # }
    {a = "}", b = [2,
        3]},
    [],
]
[table]
when = 2026-01-02 03:04:05Z
[table."sub.table"] # comment
x = { }
[[many]]
n = 1
[[many]]
n = 2
[many.below]
deep = -inf
[[many.more]]
z = "a\\\\"
'''.replace("'it''s'", "'it is'").replace("a = '''''", "a = ''\n'''")


def paths(value, path=()):
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, below in items:
        if isinstance(below, dict | list):
            yield from paths(below, (*path, key))
        else:
            yield (*path, key)


def test_every_key_table_and_item_of_a_tricky_file_is_found_where_it_stands():
    lines = lines_of(TRICKY)
    assert set(paths(tomllib.loads(TRICKY))) == set(lines)
    numbered = TRICKY.splitlines()
    for path, start in {
        ("plain",): "plain",
        ("quoted.key",): '"quoted',
        ("dotted", "inner", "x y"): "dotted",
        ("literal",): "literal",
        ("list", 0): "    1,",
        ("list", 1): "    1,",
        ("list", 2, "b"): "    {a",
        ("list", 2, "b", 1): "        3",
        ("list", 3): "    []",
        ("table", "when"): "when",
        ("table", "sub.table", "x"): "x =",
        ("many", 1, "n"): "n = 2",
        ("many", 1, "below", "deep"): "deep",
        ("many", 1, "more", 0, "z"): "z =",
    }.items():
        assert numbered[lines[path] - 1].startswith(start), path


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment", "a = 1", "[a]", "a=[]", "a={}"])
def test_the_shortest_files_are_read(text):
    assert set(lines_of(text)) == set(paths(tomllib.loads(text)))


def test_windows_line_ends_count_once():
    assert lines_of("a = 1\r\n\r\nb = [\r\n2]\r\n") == {("a",): 1, ("b",): 3, ("b", 0): 4}


KEYS = st.text("ab.\" #=[]{}'", min_size=1, max_size=4)
WORDS = st.text("xy\"'\\#[]{},=\n é", max_size=6)
SCALARS = st.one_of(st.integers(-9, 9), st.booleans(), WORDS)
VALUES = st.recursive(
    SCALARS,
    lambda below: st.one_of(st.lists(below, max_size=3), st.dictionaries(KEYS, below, max_size=3)),
    max_leaves=8,
)


def basic(text):
    escaped = "".join(f"\\u{ord(c):04x}" if c in '"\\\n' else c for c in text)
    return f'"{escaped}"'


class Writer:
    """Writes TOML with a line for every key and item, and says which."""

    def __init__(self):
        self.text, self.line, self.expected = "", 1, {}

    def put(self, text):
        self.text += text
        self.line += text.count("\n")

    def value(self, value, path):
        if isinstance(value, list):
            self.put("[\n")
            for n, item in enumerate(value):
                self.put("  # ,]}\n  ")
                self.expected[*path, n] = self.line
                self.value(item, (*path, n))
                self.put(",\n")
            self.put("]")
        elif isinstance(value, dict):
            self.put("{ ")
            for n, (key, item) in enumerate(value.items()):
                self.put(", " if n else "")
                self.pair(key, item, path)
            self.put(" }")
        elif isinstance(value, str):
            self.put(basic(value))
        else:
            self.put(str(value).lower())

    def pair(self, key, value, path):
        self.expected[*path, key] = self.line
        self.put(f"{basic(key)} = ")
        self.value(value, (*path, key))


@given(st.dictionaries(KEYS, VALUES, max_size=4), st.dictionaries(KEYS, VALUES, max_size=4))
@settings(max_examples=200, deadline=None)
def test_any_file_s_values_are_found_at_the_lines_they_were_written_to(top, table):
    writer = Writer()
    for key, value in top.items():
        writer.pair(key, value, ())
        writer.put("  # comment\n")
    name = "t" * 9
    writer.expected[name,] = writer.line
    writer.put(f"[{name}]\n")
    for key, value in table.items():
        writer.pair(key, value, (name,))
        writer.put("\n\n")
    assert tomllib.loads(writer.text) == {**top, name: table}
    assert lines_of(writer.text) == writer.expected
