"""Signals between platforms: what is said of an account to a partner, and what a partner says.

`shared` is the record, `outgoing` makes it of decisions and reviews, `incoming` makes a hit of it.
Accounts have a pseudonym per partner in it (`streams.adapters.pseudonyms`), and what comes in passes
the adapters' door. What is imported never punishes anybody by itself; `incoming` says why.
"""
