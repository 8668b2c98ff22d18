"""Rule sets as they are published, rolled back and followed, on the compacted topic `rules`.

`published` says what a record is and which are believed, `shelf` what all of them together hold;
`topic` reads and writes them. `publish` makes a set current, `differences` compares two of them.
`follow` is the side of a worker, which switches while it runs; `running` is how it tells which set
that is, and how others learn it.
"""
