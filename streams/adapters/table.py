"""The one table of adapters: name, direction, what it is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from streams.adapters.incoming import cloudevents, coop, hma, labels, ocsf, openai, osprey, ozone
from streams.adapters.making import Incoming
from streams.adapters.outgoing import coop as coop_out
from streams.adapters.outgoing import ocsf as ocsf_out
from streams.adapters.outgoing import osprey as osprey_out
from streams.adapters.outgoing import plain, xarf
from streams.adapters.outgoing.decided import Outgoing


@dataclass(frozen=True, slots=True)
class In:
    """An adapter of what comes in."""

    name: str
    about: str
    adapt: Incoming
    way: str = "in"


@dataclass(frozen=True, slots=True)
class Out:
    """An adapter of what goes out; `topics` are the output topics it reads."""

    name: str
    about: str
    adapt: Outgoing
    topics: tuple[str, ...]
    way: str = "out"


Adapter = In | Out

ADAPTERS: Mapping[str, Adapter] = MappingProxyType(
    {
        one.name: one
        for one in (
            In("osprey-results", "verdicts and labels of Osprey's rules", osprey.adapt),
            In("coop-webhooks", "Coop's decisions and appeals, reports to it", coop.adapt),
            In("hma-matches", "hash matches of ThreatExchange's HMA", hma.adapt),
            In("ozone-events", "Bluesky Ozone moderation events", ozone.adapt),
            In("atproto-labels", "labels of atproto labelers", labels.adapt),
            In("openai-moderation", "OpenAI-style moderation results", openai.moderation),
            In("openai-safety", "OpenAI safety cases, warnings and deactivations", openai.safety),
            In("ocsf-events", "OCSF findings, logins, account changes", ocsf.adapt),
            In("cloudevents", "CloudEvents 1.0, structured and binary", cloudevents.adapt),
            Out(
                "osprey-actions",
                "decisions as actions for Osprey's rules",
                osprey_out.adapt,
                ("detections", "enforcement"),
            ),
            Out(
                "coop-decisions",
                "enforcement as Coop actions",
                coop_out.adapt,
                ("enforcement",),
            ),
            Out(
                "ocsf-findings",
                "detections as OCSF Detection Findings",
                ocsf_out.adapt,
                ("detections",),
            ),
            Out("xarf", "enforcement as XARF 4 reports", xarf.adapt, ("enforcement",)),
            Out(
                "webhook",
                "records as they are, for a signed webhook",
                plain.adapt,
                ("detections", "enforcement", "review-queue"),
            ),
        )
    }
)
