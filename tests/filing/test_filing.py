"""Filing: each report once, whatever the server does and whenever the process is killed."""

from __future__ import annotations

import asyncio
import json
import random
import sys

import msgspec
import pytest

from streams.filing.filer import Filer, MediaMissing, Unclear
from streams.filing.journal import BadJournal, Journal, Step
from streams.filing.wire import Busy, Credentials, NoAnswer, Refused, Wire
from streams.reporting.cybertip import Reporter
from streams.reporting.incident import Hit, Incident, Status
from streams.reporting.report import report_of
from tests.filing.standin import PASSWORD, USERNAME, StandIn

STEPS = ("submit", "upload", "fileinfo", "finish")
REPORT = report_of(
    Incident(
        id="r1", found_in="account", pattern="p", version="v", harm="csam", opened=0, due_at=0,
        preserve_until=0, status=Status.CONFIRMED,
        hits=[Hit("d1", 0, "c1", generated=True), Hit("d2", 0, "c2", viewed=True)],
    ),
    "a1", 0,
)  # fmt: skip
MEDIA = {"c1": b"one", "c2": b"two"}


class Vault:
    """A platform that files: its media, its journal, and how long it was asked to wait."""

    def __init__(self, directory) -> None:
        self.media = directory / "vault"
        self.media.mkdir()
        for name, content in MEDIA.items():
            (self.media / name).write_bytes(content)
        self.journal = directory / "filed.jsonl"
        self.waited: list[float] = []
        self.credentials = Credentials(USERNAME, PASSWORD)
        self.timeout_s = 30.0

    async def pause(self, seconds: float) -> None:
        self.waited.append(seconds)

    async def file(self, server: StandIn, what="file", **options):
        with Journal(self.journal) as journal:
            async with Wire(server.url, self.credentials, timeout_s=self.timeout_s) as wire:
                filer = Filer(wire, journal, Reporter(), self.media, self.pause)
                return await getattr(filer, what)(REPORT, **options)


@pytest.fixture
def vault(tmp_path):
    return Vault(tmp_path)


def whole(server: StandIn) -> None:
    """One report reached somebody, with each file once, described."""
    (filed,) = server.visible
    assert {name: content for name, content, _ in filed.files.values()} == MEDIA
    assert len(filed.files) == len(MEDIA)
    for name, _, details in filed.files.values():
        assert ("generativeAi" in details) == (name == "c1")
        assert f"<fileViewedByEsp>{'true' if name == 'c2' else 'false'}<" in details


async def test_a_report_is_filed_with_its_files_and_once(vault):
    async with StandIn().running() as server:
        number = await vault.file(server)
        asked = list(server.asked)
        assert await vault.file(server) == number
        assert server.asked == asked == ["submit", *["upload", "fileinfo"] * 2, "finish"]
        whole(server)


@pytest.mark.parametrize("fault", ["dropped", "lost", "hang", "500", "1000"])
@pytest.mark.parametrize("step", STEPS)
async def test_in_doubt_it_is_begun_anew_or_finished_again(vault, step, fault):
    if fault == "hang":
        vault.timeout_s = 1.0
    async with StandIn(**{step: [fault]}).running() as server:
        await vault.file(server)
        whole(server)
        assert len(server.reports) <= 2
        if step != "submit":  # or nobody knows its number: it vanishes by itself
            assert all(one.finished or one.retracted for one in server.reports.values())


@pytest.mark.parametrize("step", STEPS)
async def test_a_busy_server_is_given_the_time_it_asks_for(vault, step):
    async with StandIn(**{step: ["429", "503"]}).running() as server:
        await vault.file(server)
        whole(server)
        assert vault.waited == [7, 7]
        assert len(server.reports) == 1


async def test_whatever_mixture_of_faults_nothing_is_lost_or_doubled(tmp_path):
    kinds = [None, None, "dropped", "lost", "500", "1000", "429"]
    for seed in range(60):
        dice = random.Random(seed)
        directory = tmp_path / str(seed)
        directory.mkdir()
        vault = Vault(directory)
        faults = {step: dice.choices(kinds, k=dice.randint(0, 12)) for step in (*STEPS, "retract")}
        async with StandIn(**faults).running() as server:
            for _ in range(40):
                try:
                    await vault.file(server)
                    break
                except (NoAnswer, Busy):
                    assert len(server.visible) <= 1
            whole(server)


async def test_a_server_that_never_answers_leaves_nothing_visible_and_is_asked_again_later(vault):
    async with StandIn(upload=["500"] * 100).running() as server:
        with pytest.raises(NoAnswer):
            await vault.file(server)
        assert not server.visible
        server.faults.clear()
        await vault.file(server)
        whole(server)


async def test_what_was_about_to_be_finished_and_is_not_there_needs_a_person(vault):
    async with StandIn(finish=["dropped"] * 6).running() as server:
        with pytest.raises(NoAnswer):
            await vault.file(server)
        server.gone()
        for _ in range(2):
            with pytest.raises(Unclear, match="--anew"):
                await vault.file(server)
        assert not server.visible
        await vault.file(server, anew=True)
        whole(server)


async def test_what_is_not_accepted_is_said_without_the_server_s_words(vault):
    vault.credentials = Credentials(USERNAME, "wrong")
    async with StandIn().running() as server:
        with pytest.raises(Refused, match="2000: the credentials are not accepted") as caught:
            await vault.file(server)
    assert caught.value.access
    assert "what was sent" not in str(caught.value)
    assert "wrong" not in f"{vault.credentials!r}{caught.value}"


async def test_missing_media_is_told_before_anything_is_sent(vault):
    (vault.media / "c2").unlink()
    async with StandIn().running() as server:
        with pytest.raises(MediaMissing, match="has no file c2"):
            await vault.file(server)
        assert not server.asked


async def test_a_filed_report_is_retracted_once(vault):
    async with StandIn(retract=["lost"]).running() as server:
        assert await vault.file(server, "retract") is None, "nothing was filed"
        number = await vault.file(server)
        assert await vault.file(server, "retract") == number
        assert not server.visible
        assert await vault.file(server, "retract") == number
        assert server.asked.count("retract") == 2, "the lost answer was asked for again"


# The journal


def test_a_journal_is_one_process_s_at_a_time(vault):
    with (
        Journal(vault.journal),
        pytest.raises(BadJournal, match="another process"),
        Journal(vault.journal),
    ):
        pass


def test_a_line_cut_off_by_a_kill_is_dropped_and_any_other_mistake_stops(vault):
    with Journal(vault.journal) as journal:
        journal.note("r1", Step.BEGUN, 7)
    with vault.journal.open("ab") as file:
        file.write(b'{"report":"r1","st')
    with Journal(vault.journal) as journal:
        assert journal.of("r1").step is Step.BEGUN
        journal.note("r1", Step.LEFT, 7)
    with Journal(vault.journal) as journal:
        assert journal.of("r1").step is Step.LEFT
    vault.journal.write_bytes(b"{}\n" + vault.journal.read_bytes())
    with pytest.raises(BadJournal, match=r"filed.jsonl:1: not a line"), Journal(vault.journal):
        pass


# kill -9


@pytest.fixture
def reports(tmp_path):
    path = tmp_path / "reports.jsonl"
    line = {"topic": "reports", "key": "a1", "value": msgspec.to_builtins(REPORT), "ts": 0}
    path.write_text(json.dumps(line) + "\n")
    return path


async def vigil(server: StandIn, vault: Vault, reports, *more: str, password=PASSWORD):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "streams.cli", "--log-level", "debug", "report", "file",
        "--from", str(reports), "--url", server.url, "--journal", str(vault.journal),
        "--media", str(vault.media), *more,
        env={"VIGIL_CYBERTIP_USERNAME": USERNAME, "VIGIL_CYBERTIP_PASSWORD": password},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    server.victim = process.pid
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


@pytest.mark.parametrize("fault", ["kill", "killed"])
@pytest.mark.parametrize("step", STEPS)
async def test_killed_at_any_step_it_is_filed_once_by_the_next_run(vault, reports, step, fault):
    async with StandIn(**{step: [fault]}).running() as server:
        code, _, _ = await vigil(server, vault, reports)
        assert code == -9
        code, out, _ = await vigil(server, vault, reports)
        assert (code, out.split("\t")[:2]) == (0, ["r1", "filed"])
        whole(server)


async def test_the_command_says_what_failed_and_never_the_password(vault, reports):
    async with StandIn().running() as server:
        code, out, err = await vigil(server, vault, reports, password="hunter2-zq")
        assert (code, out) == (1, "")
        assert "2000: the credentials are not accepted" in err
        assert "hunter2" not in err + out
