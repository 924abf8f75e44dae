"""Settings: the caller wins over the environment, the environment over the file; faults are said in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from mvne.bootstrap import bootstrap, connect
from mvne.settings import Settings, SettingsError, read_settings
from mvne_billing.payments.gateway import PaymentError


@pytest.fixture(autouse=True)
def somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder: `mvne.toml` is looked for where one works."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_settings_the_store_is_where_the_system_keeps_data() -> None:
    settings = read_settings()
    assert settings.store_url.startswith("sqlite:///")
    assert settings.store_url.endswith("/mvne/mvne.sqlite")
    assert settings.simulated_url.endswith("/mvne/mvne.simulated.sqlite")
    assert (settings.stripe_key, settings.live) == (None, False)


def test_the_caller_wins_over_the_environment_and_that_over_the_file(
    somewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (somewhere / "mvne.toml").write_text('store = "sqlite:///file.sqlite"\nlive = true\n')
    assert (read_settings().store, read_settings().live) == ("sqlite:///file.sqlite", True)
    monkeypatch.setenv("MVNE_STORE", "sqlite:///environment.sqlite")
    assert read_settings().store == "sqlite:///environment.sqlite"
    assert read_settings("sqlite:///caller.sqlite").store == "sqlite:///caller.sqlite"
    assert read_settings("sqlite:///caller.sqlite").live


@pytest.mark.parametrize(
    ("store", "simulated"),
    [
        ("sqlite:///brand.sqlite", "sqlite:///brand.simulated.sqlite"),
        ("sqlite:////var/lib/mvne/brand.db", "sqlite:////var/lib/mvne/brand.simulated.sqlite"),
        ("sqlite+pysqlite:///brand.sqlite", "sqlite+pysqlite:///brand.simulated.sqlite"),
        ("sqlite:///brand.sqlite?timeout=5", "sqlite:///brand.simulated.sqlite?timeout=5"),
        ("sqlite://", "sqlite://"),
        ("sqlite:///:memory:", "sqlite://"),
        ("postgresql://me:secret@host/brand", "postgresql://me:secret@host/brand"),
    ],
)
def test_the_simulated_world_lives_beside_the_store(store: str, simulated: str) -> None:
    assert Settings(store=store).simulated_url == simulated


def test_the_simulated_world_can_live_elsewhere() -> None:
    assert Settings(store="sqlite://", simulated="sqlite:///world.sqlite").simulated_url == "sqlite:///world.sqlite"


def test_an_unknown_setting_is_named(somewhere: Path) -> None:
    (somewhere / "mvne.toml").write_text('stor = "sqlite:///brand.sqlite"\n')
    with pytest.raises(SettingsError, match=r"mvne\.toml or the environment: stor: Extra inputs are not permitted"):
        read_settings()


def test_a_value_of_the_wrong_sort_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MVNE_LIVE", "perhaps")
    with pytest.raises(SettingsError, match="live: Input should be a valid boolean"):
        read_settings()


def test_a_file_that_is_not_toml_is_refused_in_words(somewhere: Path) -> None:
    (somewhere / "mvne.toml").write_text("store = sqlite\n")
    with pytest.raises(SettingsError, match=r"mvne\.toml is not TOML: Invalid value \(at line 1, column 9\)"):
        read_settings()


def test_a_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MVNE_STRIPE_KEY", "sk_test_very_secret")
    assert "very_secret" not in repr(read_settings())


def test_a_stripe_key_needs_the_secret_of_its_webhook() -> None:
    with pytest.raises(SettingsError, match="a Stripe key needs stripe_webhook_secret"):
        bootstrap(Settings(store="sqlite://", stripe_key="sk_test_1"))  # type: ignore[arg-type]  # pydantic wraps it


def test_a_live_stripe_key_is_refused_unless_money_may_move() -> None:
    settings = Settings(store="sqlite://", stripe_key="sk_live_1", stripe_webhook_secret="whsec_1")  # type: ignore[arg-type]
    with pytest.raises((PaymentError, ValueError, SettingsError), match="live"):
        bootstrap(settings)


def test_connecting_opens_a_store_that_is_ready(somewhere: Path) -> None:
    with connect("sqlite:///brand.sqlite") as platform:
        assert platform.store.is_ready()
    assert {path.name for path in somewhere.iterdir()} == {"brand.sqlite", "brand.simulated.sqlite"}
