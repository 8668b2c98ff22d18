"""Real matches: the index of the package `threatexchange` over pictures made here."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from threatexchange.signal_type.pdq.pdq_index import PDQIndex
from threatexchange.signal_type.pdq.signal import PdqSignal

from tests.adapters.formats import let_in

SIZE = 256


def picture(seed: int) -> Image.Image:
    """Blurred squares of colour, different for each seed."""
    squares = bytes(
        (seed * 97 + place * place * 31 + place * 7) % 251 for place in range(8 * 8 * 3)
    )
    return Image.frombytes("RGB", (8, 8), squares).resize((SIZE, SIZE), Image.Resampling.BICUBIC)


def hashed(image: Image.Image) -> str:
    written = io.BytesIO()
    image.save(written, "PNG")
    return PdqSignal.hash_from_bytes(written.getvalue())


@pytest.fixture(scope="module")
def index():
    banked = {"NGO_PERCEPTUAL": 1, "OWN_TVEC": 2}
    return PDQIndex.build([(hashed(picture(seed)), bank) for bank, seed in banked.items()])


def scanned(index, image) -> dict:
    """What the platform sends after it has asked: HMA's answer for a kind of hash, in its envelope."""
    banks = sorted({match.metadata for match in index.query(hashed(image))})
    context = {"id": "scan-1", "account": "u1", "at": "2026-03-02T11:00:00Z", "surface": "upload"}
    return context | {"answer": {"pdq": banks}}


def test_a_copy_made_smaller_is_a_match_and_no_more(index):
    smaller = picture(1).resize((SIZE // 2, SIZE // 2))
    assert hashed(smaller) != hashed(picture(1))
    (hit,) = let_in("hma-matches", scanned(index, smaller))
    assert (hit["category"], hit["verdict"], hit["source"]) == ("csam", "match", "hash_match")


def test_the_very_picture_is_still_only_a_match_because_pdq_is_perceptual(index):
    (hit,) = let_in("hma-matches", scanned(index, picture(2)))
    assert (hit["category"], hit["verdict"]) == ("terrorism", "match")


def test_another_picture_says_nothing(index):
    assert let_in("hma-matches", scanned(index, picture(3))) == []
