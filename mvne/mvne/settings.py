"""Settings of an installation: from the environment (`MVNE_…`) and from `mvne.toml`; never from a plan file."""

from __future__ import annotations

from pathlib import Path
from tomllib import TOMLDecodeError

from platformdirs import user_data_path
from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from mvne.errors import MvneError


class SettingsError(MvneError):
    """The settings cannot be used."""


def default_store() -> str:
    """Return the URL of the store that is used when nobody says another."""
    return f"sqlite:///{user_data_path('mvne', appauthor=False) / 'mvne.sqlite'}"


class Settings(BaseSettings):
    """What an installation needs to know. Secrets stay secret when printed."""

    model_config = SettingsConfigDict(env_prefix="MVNE_", toml_file="mvne.toml", extra="forbid")

    store: str = ""
    """Database URL of the store."""
    simulated: str = ""
    """Database URL of the simulated outside world: beside the store if absent."""
    stripe_key: SecretStr | None = None
    """Secret key of a Stripe account; without one, Stripe is simulated."""
    stripe_webhook_secret: SecretStr | None = None
    """Signing secret of the webhook endpoint."""
    live: bool = False
    """Whether money may really move: a live Stripe key is refused without it."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Say which source wins: what the caller says, then the environment, then the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @property
    def store_url(self) -> str:
        """Database URL of the store."""
        return self.store or default_store()

    @property
    def simulated_url(self) -> str:
        """Database URL of the simulated world: a file beside a SQLite store, else the same server."""
        if self.simulated or not self.store_url.startswith("sqlite"):
            return self.simulated or self.store_url
        from sqlalchemy import make_url  # not worth its time for those who only ask for help

        store = make_url(self.store_url)
        if store.database in (None, "", ":memory:"):
            return "sqlite://"
        beside = f"{Path(store.database).with_suffix('')}.simulated.sqlite"
        return store.set(database=beside).render_as_string()


def read_settings(store: str | None = None) -> Settings:
    """Return the settings in force; `store` overrides the store's URL. Raises `SettingsError` with every fault."""
    try:
        return Settings(store=store) if store else Settings()
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise SettingsError(f"mvne.toml or the environment: {faults}") from None
    except (TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"mvne.toml is not TOML: {error}") from None
