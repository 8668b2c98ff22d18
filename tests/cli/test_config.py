"""Settings: which origin wins, and that secrets stay secret."""

from __future__ import annotations

import json

import pytest

from streams.cli import main
from streams.config import SETTINGS, ConfigError, Settings


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for setting in SETTINGS.values():
        monkeypatch.delenv(setting.variable, raising=False)

    def write(text):
        (tmp_path / "vigil.toml").write_text(text)
        return tmp_path / "vigil.toml"

    return write


def test_a_flag_beats_the_environment_which_beats_the_file_which_beats_the_default(file):
    def effective(**given):
        return Settings.load(**given).effective("prefix")

    assert (effective(environment={}).value, effective(environment={}).origin) == ("", "default")
    file('prefix = "file."')
    assert effective(environment={}).origin == "vigil.toml"
    environment = {"VIGIL_PREFIX": "env."}
    assert effective(environment=environment).origin == "VIGIL_PREFIX"
    strongest = effective(environment=environment, flags={"prefix": "flag."})
    assert (strongest.value, strongest.origin) == ("flag.", "--prefix")


def test_values_get_their_type_wherever_they_come_from(file):
    file('partitions = 3\nsession_timeout_s = 5\nrules = ["a", "b"]')
    settings = Settings.load(environment={})
    assert settings["partitions"] == 3
    assert settings["session_timeout_s"] == 5.0
    assert settings["rules"] == ("a", "b")
    assert settings["log_ids"] is False
    settings = Settings.load(
        environment={"VIGIL_PARTITIONS": "4", "VIGIL_RULES": "c:d", "VIGIL_LOG_IDS": "true"}
    )
    assert settings["log_ids"] is True
    assert settings["partitions"] == 4
    assert settings["rules"] == ("c", "d")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("partitons = 3", "unknown setting partitons: did you mean partitions?"),
        ('partitions = "many"', "partitions must be a number"),
        ("brokers = 1", "brokers must be a string"),
        ("rules = [1]", "rules must be a list of strings"),
        ('log_level = "loud"', "log_level must be one of debug, info, warning, error"),
        ('log_ids = "yes"', "log_ids must be true or false"),
        ("log_ids = 1", "log_ids must be true or false"),
        ("prefix = ", "is not TOML"),
        ("partitions = true", "partitions must be a number"),
    ],
)
def test_a_mistake_in_the_file_names_the_file_and_what_to_do(file, text, message, capsys):
    path = file(text)
    with pytest.raises(ConfigError) as caught:
        Settings.load(environment={})
    assert message in str(caught.value)
    assert str(caught.value).startswith(path.name)
    assert main(["config"]) == 2
    assert message in capsys.readouterr().err


def test_config_prints_every_setting_with_its_origin_and_masks_secrets(file, capsys, monkeypatch):
    file('brokers = "127.0.0.1:9092"\nsasl_password = "hunter2-file"')
    monkeypatch.setenv("VIGIL_SSL_PASSWORD", "hunter2-env")
    for arguments in (["config"], ["config", "--json"], ["--log-level", "debug", "config"]):
        assert main(arguments) == 0
        shown = capsys.readouterr()
        assert "hunter2" not in shown.out + shown.err
        assert "VIGIL_SSL_PASSWORD" in shown.out
    assert main(["config", "--json"]) == 0
    rows = {row["setting"]: row for row in json.loads(capsys.readouterr().out)}
    assert set(rows) == set(SETTINGS)
    assert rows["brokers"]["value"] == "127.0.0.1:9092"
    assert rows["brokers"]["origin"] == "vigil.toml"
    assert rows["sasl_password"]["origin"] == "vigil.toml"


def test_a_secret_of_a_wrong_type_is_not_quoted(file):
    file("sasl_password = 4711")
    with pytest.raises(ConfigError) as caught:
        Settings.load(environment={})
    assert "4711" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_connections_carry_the_security_settings_and_say_what_is_missing(file, tmp_path):
    def connection(**environment):
        return Settings.load(environment=environment).connection()

    with pytest.raises(ConfigError, match="no brokers: give --brokers"):
        connection()
    with pytest.raises(ConfigError, match="'nonsense' is not host:port"):
        connection(VIGIL_BROKERS="nonsense")
    plain = connection(VIGIL_BROKERS="a:1,b:2")
    assert plain == {"bootstrap_servers": "a:1,b:2", "security_protocol": "PLAINTEXT"}
    sasl = {"VIGIL_BROKERS": "a:1", "VIGIL_SECURITY_PROTOCOL": "SASL_PLAINTEXT"}
    with pytest.raises(ConfigError, match="needs sasl_username: set VIGIL_SASL_USERNAME"):
        connection(**sasl)
    full = connection(**sasl, VIGIL_SASL_USERNAME="u", VIGIL_SASL_PASSWORD="p")
    assert full["sasl_mechanism"] == "SCRAM-SHA-512"
    assert (full["sasl_plain_username"], full["sasl_plain_password"]) == ("u", "p")
    with pytest.raises(ConfigError, match="PLAIN without TLS sends the password in the clear"):
        connection(
            **sasl,
            VIGIL_SASL_USERNAME="u",
            VIGIL_SASL_PASSWORD="p",
            VIGIL_SASL_MECHANISM="PLAIN",
        )
    tls = {"VIGIL_BROKERS": "a:1", "VIGIL_SECURITY_PROTOCOL": "SSL"}
    assert connection(**tls)["ssl_context"].check_hostname
    with pytest.raises(ConfigError, match="can't read the TLS files"):
        connection(**tls, VIGIL_SSL_CAFILE=str(tmp_path / "none.pem"))


def test_options_of_commands_read_their_environment_variable_and_the_file(
    file, capsys, monkeypatch
):
    monkeypatch.setenv("VIGIL_PREFIX", "env.")
    assert main(["topics", "list"]) == 0
    assert "env.activity" in capsys.readouterr().out
    monkeypatch.delenv("VIGIL_PREFIX")
    file('prefix = "file."')
    assert main(["topics", "list"]) == 0
    assert "file.activity" in capsys.readouterr().out
    assert main(["topics", "list", "--prefix", "flag."]) == 0
    assert "flag.activity" in capsys.readouterr().out


def test_a_named_file_that_is_missing_is_wrong_use(file, tmp_path, capsys):
    assert main(["--config", str(tmp_path / "none.toml"), "config"]) == 2
    assert "no such file" in capsys.readouterr().err
