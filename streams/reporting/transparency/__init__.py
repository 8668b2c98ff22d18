"""The transparency report: how many, what was done, how often it was wrong, how long it took.

Pure: from records to figures to texts. `stages` says where in a model's life something was found,
`tally` goes over the records, `tables` holds what was counted, `withholding` decides what is not
told, `report` puts it together, `markdown`, `data` and `page` write it. docs/transparency.md
explains it to people.
"""
