"""Neighbours: what other tools say becomes signals, what Vigil decides becomes what they read.

Each adapter is a small module with one pure function. `incoming` turns a foreign record into input
records, `outgoing` turns an output record into a foreign one; `table` lists them all. `door` lets
nothing in that Vigil's own decoder would refuse: no field of theirs that holds text is read, and an
id that isn't a pseudonym is replaced by one (`pseudonyms`). What their words mean here stands in an
operator's `dictionary`. `files` and `bridge` run an adapter over lines and over topics, `webhook`
delivers what goes out, signed.
"""
