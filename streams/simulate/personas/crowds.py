"""Harmless crowds: many accounts that share something for good reasons."""

from __future__ import annotations

from dataclasses import replace

from streams.simulate.personas.persona import Persona
from streams.simulate.rhythm import MINUTE_MS
from streams.simulate.scene import Scene
from streams.simulate.stage import Stage

_HOUR_MS = 60 * MINUTE_MS
_BANDS = ("adult", "teen", "minor", "adult")


def _family(scene: Scene, count: int, at: int) -> list[Stage]:
    """Accounts made in one evening on one device, a teen and a child among them.

    The parents write to both children; the teen tries things that are refused.
    """
    device, network = scene.ours("d"), scene.ours("n")
    stages = [
        Stage(
            scene,
            [
                replace(
                    scene.stranger(),
                    devices=(device,),
                    networks=(network, network),
                    payment=scene.ours("p"),
                    age_band=_BANDS[number % len(_BANDS)],
                    through_api=False,
                    developer=False,
                )
            ],
            number,
        )
        for number in range(count)
    ]
    for stage in stages:
        arrived = stage.arrives(at + stage.number * 7 * MINUTE_MS)
        if stage.account.young:
            for _ in range(3):
                arrived = stage.refused(arrived + stage.pause(3 * MINUTE_MS))
        else:
            for child in stages:
                if child.account.young:
                    ages = {"age_band": "adult", "peer_age_band": child.account.age_band}
                    whom = {"peer": child.account.id, **ages}
                    stage.does(arrived + 40 * MINUTE_MS, "message.sent", surface="message", **whom)
        stage.lives(arrived + MINUTE_MS, at + 9 * _HOUR_MS, 60)
    stages[0].does(at + _HOUR_MS, "payment.added", payment=scene.ours("p"))
    return stages


def _classroom(scene: Scene, count: int, at: int) -> list[Stage]:
    """A teacher and pupils whose accounts are made in one lesson on one network.

    Three share a computer. Each pupil tries what the model refuses; the teacher writes to some.
    """
    network = scene.ours("n")
    stages = [
        Stage(
            scene,
            [
                replace(
                    scene.stranger(),
                    devices=(scene.ours("d", f"computer {number // 3}"),),
                    networks=(network, network),
                    age_band="teen" if number else "adult",
                    through_api=False,
                    developer=False,
                )
            ],
            number,
        )
        for number in range(count)
    ]
    teacher, pupils = stages[0], stages[1:]
    for stage in stages:
        arrived = stage.arrives(at + stage.pause(20 * MINUTE_MS))
        for _ in range(stage.some(0, 3)):
            arrived = stage.refused(arrived + stage.pause(4 * MINUTE_MS))
        stage.lives(arrived + MINUTE_MS, at + 3 * _HOUR_MS, 15)
    for pupil in pupils[:6]:
        whom = {"peer": pupil.account.id, "age_band": "adult", "peer_age_band": "teen"}
        teacher.does(at + _HOUR_MS + pupil.number, "message.sent", surface="message", **whom)
    return stages


def _carrier(scene: Scene, count: int, at: int) -> list[Stage]:
    """Thousands behind one carrier's address; some of them are new that day."""
    network = scene.ours("n")
    stages = []
    for number in range(count):
        account = replace(scene.stranger(), networks=(network, network), through_api=False)
        stage = Stage(scene, [account], number)
        begin = at + stage.some(0, 12 * _HOUR_MS)
        if number % 40 == 0:
            begin = stage.arrives(begin)
        stage.lives(begin, begin + _HOUR_MS, 4)
        stages.append(stage)
    return stages


def _popular(scene: Scene, count: int, at: int) -> list[Stage]:
    """One harmless picture that everybody passes on within a few hours.

    Somebody finds it annoying and reports it; a classifier is in two minds about one copy.
    """
    content = scene.ours("c")
    stages = [Stage(scene, [scene.stranger()], number) for number in range(count)]
    for stage in stages:
        when = at + stage.some(0, 3 * _HOUR_MS)
        if stage.number % 3 == 0:
            stage.does(when, "upload.created", surface="upload", content_ref=content)
        else:
            stage.does(when, "content.shared", content_ref=content)
        stage.lives(max(0, when - _HOUR_MS), when + 2 * _HOUR_MS, 8)
    doubted, annoying = stages[0], stages[-1]
    seen = doubted.judged(
        at + _HOUR_MS,
        "upload",
        category="sexualisation_of_minor",
        score=0.52,
        about={"content_ref": content},
    )
    doubted.reviewed(seen + 2 * _HOUR_MS, "overturned")
    annoying.reported(at + 2 * _HOUR_MS, annoying.extra(), "spam")
    return stages


PERSONAS = (
    Persona(name="family-device", play=_family, accounts=4, lasts_ms=11 * _HOUR_MS),
    Persona(name="classroom-network", play=_classroom, accounts=30, lasts_ms=5 * _HOUR_MS),
    Persona(name="carrier-crowd", play=_carrier, accounts=2_000, lasts_ms=14 * _HOUR_MS),
    Persona(name="popular-content", play=_popular, accounts=200, lasts_ms=6 * _HOUR_MS),
)
