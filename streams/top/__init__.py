"""A live view of workers, from what they serve on `/metrics`.

`look` fetches it, `between` compares two looks at the same workers, `figures` is what that comes to,
`screen` shows it. Nothing is asked of Kafka, and nothing is changed.
"""
