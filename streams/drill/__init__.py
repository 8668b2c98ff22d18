"""The fault drill, `make drill`: every failure that has an alert, brought about for real.

`faults` are what is done to a deployment of its own (`site`), `watch` notes which alerts a real
Prometheus fires and when, `faster` makes a month of its rules pass within minutes, `table` says what
came of it.
"""
