"""The one error of an adapter that can't be run as it was asked."""


class AdapterUnusable(Exception):
    """A key, a dictionary or a secret is missing or wrong: says which, and what to do."""
