"""Harmless people who look as if they were up to something, or to whom something is done."""

from __future__ import annotations

from dataclasses import replace

from streams.simulate.personas.persona import PUNISHED, Persona
from streams.simulate.rhythm import MINUTE_MS
from streams.simulate.scene import Scene
from streams.simulate.stage import Stage
from streams.simulate.world import OFTEN_REFUSED_RATE

_HOUR_MS = 60 * MINUTE_MS
_DESKS = 12
_ACCUSED_OF = ("csam", "grooming", "hate", "csam", "sextortion", "policy_other")
_CHILD_SAFETY = ("csam", "grooming", "sextortion")
_NOT_THEIRS = ("warn", *PUNISHED)


def _agency(scene: Scene, count: int, at: int) -> list[Stage]:
    """One account at many desks, busy all day with work that filters often refuse."""
    stages = []
    for agency in range(count):
        account = replace(
            scene.stranger(),
            age_band="adult",
            refusal_rate=OFTEN_REFUSED_RATE,
            through_api=False,
        )
        for desk in range(_DESKS):
            devices = (scene.ours("d", f"{agency} {desk}"),)
            networks = (scene.ours("n", f"{agency} {desk % 5}"),) * 2
            stage = Stage(scene, [replace(account, devices=devices, networks=networks)], agency)
            stage.lives(at, at + 10 * _HOUR_MS, 120)
            stages.append(stage)
    return stages


def _researcher(scene: Scene, count: int, at: int) -> list[Stage]:
    """Tests where the classifier's threshold lies, as agreed; reviews find nothing."""
    stages = [Stage(scene, [scene.stranger()], number) for number in range(count)]
    for stage in stages:
        when = at
        for _ in range(4):
            when = stage.refused(when) + stage.pause(12 * MINUTE_MS)
        for step in range(12):
            score = 0.46 + 0.13 * (step % 6) / 5
            when = stage.judged(when, score=score) + stage.pause(20 * MINUTE_MS)
            if step % 3 == 0:
                stage.reviewed(when + stage.pause(_HOUR_MS), "overturned")
        stage.lives(at, when, 60)
    return stages


def _victim(scene: Scene, count: int, at: int) -> list[Stage]:
    """Their account is taken over and abused; they get it back, and reviews see whose hits it were."""
    stages = [Stage(scene, [scene.stranger()], number) for number in range(count)]
    for stage in stages:
        stage.lives(at, at + 6 * _HOUR_MS, 60)
        thief = f"thief of {stage.number}"
        where = {"device": scene.ours("d", thief), "network": scene.ours("n", thief)}
        when = at + 7 * _HOUR_MS
        for _ in range(stage.some(4, 7)):
            when = stage.does(when, "login.failed", **where) + stage.pause(15_000)
        when = stage.does(when, "login.succeeded", **where) + stage.pause(3 * MINUTE_MS)
        when = stage.does(when, "credentials.changed", **where) + stage.pause(20 * MINUTE_MS)
        for _ in range(2):
            when = stage.judged(when, "upload", about=where) + stage.pause(2 * MINUTE_MS)
        when = stage.does(when + 2 * _HOUR_MS, "credentials.changed") + stage.pause(5 * MINUTE_MS)
        when = stage.does(when, "appeal.filed") + stage.pause(_HOUR_MS)
        for _ in range(2):
            when = stage.reviewed(when, "overturned") + stage.pause(2 * MINUTE_MS)
    return stages


def _brigaded(scene: Scene, count: int, at: int) -> list[Stage]:
    """Fresh accounts from one device accuse somebody innocent, all within the hour.

    One target is a newcomer, the next was once rightly told off, for something else.
    """
    stages = [Stage(scene, [scene.stranger()], number) for number in range(count)]
    for stage in stages:
        crowd = f"crowd {stage.number}"
        linked = {"device": scene.ours("d", crowd), "network": scene.ours("n", crowd)}
        if stage.number % 2:
            stage.reviewed(at, "upheld")
        else:
            stage.arrives(at)
        stage.lives(at + MINUTE_MS, at + 8 * _HOUR_MS, 80)
        when = at + 2 * _HOUR_MS
        for number in range(14):
            reporter = stage.extra()
            reporter.arrives(when - 4 * MINUTE_MS, **linked)
            category = _ACCUSED_OF[number % len(_ACCUSED_OF)]
            seen = stage.reported(when, reporter, category, **linked)
            if category in _CHILD_SAFETY:
                stage.reviewed(seen + stage.pause(3 * _HOUR_MS), "overturned")
            when += stage.pause(2 * MINUTE_MS)
    return stages


PERSONAS = (
    Persona(name="busy-agency", play=_agency, accounts=1, lasts_ms=12 * _HOUR_MS),
    Persona(name="researcher", play=_researcher, accounts=1, lasts_ms=12 * _HOUR_MS),
    Persona(
        name="takeover-victim", play=_victim, accounts=2, lasts_ms=14 * _HOUR_MS, wrong=_NOT_THEIRS
    ),
    Persona(
        name="brigaded-target",
        play=_brigaded,
        accounts=2,
        lasts_ms=9 * _HOUR_MS,
        wrong=_NOT_THEIRS,
    ),
)
