"""Campaigns around material: known, altered, trained on, passed on."""

from __future__ import annotations

from streams.simulate.campaigns.campaign import HOP, HOUR_MS, PAD, SPLIT, WEEK_MS, Campaign
from streams.simulate.recount import (
    HARM,
    act,
    distinct,
    harm,
    hit,
    many,
    one,
    ordered,
    unanswered,
    within,
)
from streams.simulate.rhythm import DAY_MS, MINUTE_MS
from streams.simulate.stage import Stage

_DATA = ("training_dataset", "finetune_upload")
_SHARED_DAYS = 7


def _upload_known(stage: Stage, at: int, pace: float) -> None:
    """Upload known material; pace only sets the time before a second one."""
    at = stage.confirmed(at)
    stage.confirmed(at + stage.pause(10 * MINUTE_MS / pace))


def _transform(stage: Stage, at: int, pace: float) -> None:
    """Upload a picture and have another made from it."""
    for _ in range(2):
        content = stage.content()
        stage.does(at, "upload.created", surface="upload", content_ref=content)
        at += stage.pause(5 * MINUTE_MS / pace)
        at = stage.judged(at, about={"content_ref": content}) + stage.pause(HOUR_MS / pace)


def _train(stage: Stage, at: int, pace: float) -> None:
    """Put material into a data set and tune a model with it."""
    data = stage.scene.ours("b", str(stage.number))
    stage.does(at, "dataset.created", dataset_ref=data)
    for _ in range(5):
        at += stage.pause(40 * MINUTE_MS / pace)
        at = stage.judged(at, "training_dataset", about={"dataset_ref": data})
    stage.abuses(at + 60_000, "finetune.created", dataset_ref=data, model="image-xl-2")


def _contaminate(stage: Stage, at: int, pace: float) -> None:
    """Several people put known material into the same data set."""
    data = stage.scene.ours("b")
    for _ in range(8):
        at = stage.judged(
            at,
            "training_dataset",
            source="hash_match",
            verdict="match",
            about={"dataset_ref": data},
        )
        at += stage.pause(15 * MINUTE_MS / pace)


def _share(stage: Stage, at: int, pace: float) -> None:
    """Pass the same material around; one of the uploads is looked at."""
    content = stage.scene.ours("c")
    if stage.number == 0:
        stage.judged(at, "upload", about={"content_ref": content})
        return
    stage.abuses(at, "upload.created", surface="upload", content_ref=content)
    stage.abuses(at + stage.pause(5 * MINUTE_MS / pace), "content.shared", content_ref=content)


def _lockstep(stage: Stage, at: int, _pace: float) -> None:
    """Many accounts, driven by one program, upload the same thing."""
    content = stage.scene.ours("c")
    stage.abuses(at, "upload.created", surface="upload", content_ref=content)


def _blind(stage: Stage, at: int, pace: float) -> None:
    """A detector sees them, until somebody sees to it that it sees nothing any more."""
    detector = stage.scene.ours("v")
    at = stage.judged(at, "upload", detector=detector) + stage.pause(20 * MINUTE_MS / pace)
    stage.judged(at, "upload", detector=detector)
    for _ in range(4):
        at += stage.pause(3 * HOUR_MS / pace)
        stage.abuses(at, "upload.created", surface="upload", content_ref=stage.content())


CAMPAIGNS = (
    Campaign(
        name="confirmed-hash-match",
        act=_upload_known,
        met=within(
            1,
            many(
                1,
                hit(
                    category="csam",
                    source="hash_match",
                    verdict="confirmed",
                    surface=("input", "output", "upload", "message"),
                ),
            ),
        ),
        actors=3,
        lasts_ms=HOUR_MS,
        evasions=(SPLIT, HOP, PAD),
    ),
    Campaign(
        name="upload-then-transform",
        act=_transform,
        met=one(
            "content_ref",
            within(
                DAY_MS,
                ordered(act("upload.created"), act("image.generated", "video.generated"), harm()),
            ),
        ),
        actors=3,
        lasts_ms=4 * HOUR_MS,
        evasions=(SPLIT, HOP, PAD),
    ),
    Campaign(
        name="finetune-abuse",
        act=_train,
        met=one("dataset_ref", within(WEEK_MS, distinct(3, "content_ref", harm(surface=_DATA)))),
        actors=2,
        lasts_ms=6 * HOUR_MS,
    ),
    Campaign(
        name="dataset-contamination",
        act=_contaminate,
        met=one(
            "dataset_ref",
            within(
                WEEK_MS,
                distinct(
                    10,
                    "content_ref",
                    hit(category=HARM, verdict=("confirmed", "match"), surface=_DATA),
                ),
            ),
        ),
        actors=2,
        lasts_ms=4 * HOUR_MS,
        together=True,
    ),
    Campaign(
        name="sharing-ring",
        act=_share,
        met=one(
            "content_ref",
            within(
                _SHARED_DAYS * DAY_MS,
                distinct(5, "account", act("upload.created", "content.shared")),
                many(1, harm()),
            ),
        ),
        actors=6,
        lasts_ms=20 * MINUTE_MS,
        together=True,
    ),
    Campaign(
        name="lockstep-uploads",
        act=_lockstep,
        met=one(
            "content_ref", within(10 * MINUTE_MS, distinct(20, "account", act("upload.created")))
        ),
        actors=24,
        lasts_ms=MINUTE_MS,
        stagger_ms=8 * MINUTE_MS,
        together=True,
        evasions=(PAD,),
    ),
    Campaign(
        name="detector-silence",
        act=_blind,
        met=one("detector", unanswered(hit(least=0), hit(least=0), 6 * HOUR_MS)),
        # What is told of a detector names whom it saw last, and nobody else.
        actors=1,
        lasts_ms=20 * HOUR_MS,
        together=True,
        evasions=(PAD,),
    ),
)
