"""A live view of what Vigil decided: `follow` reads output topics, `show` makes lines for people.

Reads only what is committed, belongs to no consumer group and commits nothing: looking changes
nothing. Output records carry metadata alone, and dead letters have no payload to show.
"""
