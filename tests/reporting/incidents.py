"""Incidents as they may come, for property tests."""

from __future__ import annotations

from hypothesis import strategies as st

from streams.reporting.incident import MOST_HITS, Hit, Incident
from streams.signals.ids import is_id
from streams.signals.records import SURFACES

times = st.integers(0, 4_000_000_000_000)
refs = st.text("abcXYZ019_.:-", min_size=1, max_size=64).filter(is_id)
maybe_refs = st.none() | refs

hits = st.builds(
    Hit,
    detection=refs,
    at=times,
    content_ref=st.none() | st.sampled_from(["c1", "c2", "c-3:x"]) | refs,
    surface=st.none() | st.sampled_from(SURFACES),
    device=st.none() | st.sampled_from(["d1", "d2"]) | refs,
    generated=st.booleans(),
    viewed=st.booleans(),
)
incidents = st.builds(
    Incident,
    id=refs,
    found_in=st.sampled_from(["account", "dataset"]),
    pattern=refs,
    version=refs,
    harm=st.just("csam"),
    opened=times,
    due_at=times,
    preserve_until=times,
    hits=st.lists(hits, min_size=1, max_size=MOST_HITS // 10),
    end_user=maybe_refs,
    dataset_ref=maybe_refs,
)
