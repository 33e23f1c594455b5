"""Who plays the director, the refiner and the judge: data of a project, completed by the environment.

| variable          | says                                                        |
|-------------------|-------------------------------------------------------------|
| `STAGE_LLM_URL`   | the address of an OpenAI-compatible server, up to `/v1`     |
| `STAGE_LLM_MODEL` | the model's name there                                      |
| `STAGE_LOCAL_LLM` | a folder, or a name on the Hugging Face hub, to load here   |

Keys are never part of this data, see `engine.agents.keys`. On a hosted studio, where visitors spend what
its owner pays for, these are no defaults but the only server, model and local model that may be asked.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from engine.agents.keys import HOSTED_VARIABLE, URL_VARIABLE, origin
from engine.errors import BadInput

MODEL_VARIABLE = "STAGE_LLM_MODEL"
LOCAL_VARIABLE = "STAGE_LOCAL_LLM"


class Source(str, Enum):
    """Where an agent comes from."""

    BUILT_IN = "built-in"
    SERVER = "server"
    LOCAL = "local"


class Role(str, Enum):
    """What an agent does."""

    DIRECTOR = "director"
    REFINER = "refiner"
    JUDGE = "judge"


@dataclass(frozen=True)
class Target:
    """A language model that can be opened: complete, and allowed here. `url` is empty for a local one."""

    source: Source
    url: str
    model: str

    @property
    def title(self) -> str:
        """For people: "qwen3 at localhost:11434"."""
        return f"{self.model} at {urlsplit(self.url).netloc}" if self.url else self.model


class Agents(BaseModel):
    """The choice of a project. Empty texts mean: as the environment says."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    director: Source = Source.BUILT_IN
    refiner: Source = Source.BUILT_IN
    judge: Source = Source.BUILT_IN
    url: str = Field("", max_length=300)
    model: str = Field("", max_length=200)
    local: str = Field("", max_length=300)

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        """An http address without anything secret in it: what is stored is also shown and exported."""
        return checked_address(url) if url else url

    def source(self, role: Role) -> Source:
        """Who plays a part."""
        match role:
            case Role.DIRECTOR:
                return self.director
            case Role.REFINER:
                return self.refiner
            case Role.JUDGE:
                return self.judge

    def target(self, role: Role) -> Target | None:
        """The model that plays a part, or None for the built-in one.

        Raises BadInput when something is missing, or not allowed on a hosted studio.
        """
        match self.source(role):
            case Source.BUILT_IN:
                return None
            case Source.SERVER:
                return server_target(self.url, self.model)
            case Source.LOCAL:
                return local_target(self.local)


def checked_address(url: str) -> str:
    """The address, without a slash at its end. Raises ValueError, which never repeats it: somebody may have
    typed a password into it.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError(
            "the port of an address is a number from 1 to 65535, as in http://localhost:11434/v1"
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an address begins with http:// or https://, as in http://localhost:11434/v1")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("an address holds no password, key or question mark; keys come from the environment")
    return url.rstrip("/")


def server_target(url: str = "", model: str = "") -> Target:
    """A model on a server, completed by the environment. Raises BadInput."""
    where = "under Agents" if url else f"in {URL_VARIABLE}"
    url = (url or os.environ.get(URL_VARIABLE, "")).strip()
    model = model or os.environ.get(MODEL_VARIABLE, "").strip()
    if not url:
        raise BadInput(
            "No model server is named: write its address under Agents (http://localhost:11434/v1 for "
            f"Ollama), or set {URL_VARIABLE}."
        )
    try:
        url = checked_address(url)
    except ValueError as error:
        raise BadInput(f"The address {where} cannot be used: {error}.") from None
    if not model:
        raise BadInput(f"No model is named for {url}: write its name under Agents, or set {MODEL_VARIABLE}.")
    if os.environ.get(HOSTED_VARIABLE):
        _allowed(url, model)
    return Target(Source.SERVER, url, model)


def local_target(model: str = "") -> Target:
    """A model that is loaded on this machine. Raises BadInput."""
    own = os.environ.get(LOCAL_VARIABLE, "")
    model = model or own
    if not model:
        raise BadInput(
            "No local model is named: write its folder or its name on the Hugging Face hub under Agents, "
            f"or set {LOCAL_VARIABLE}."
        )
    if os.environ.get(HOSTED_VARIABLE) and model != own:
        raise BadInput(
            "This hosted studio loads only the local model that its owner chose: leave the name empty."
        )
    return Target(Source.LOCAL, "", model)


def _allowed(url: str, model: str) -> None:
    """Raises BadInput unless visitors of a hosted studio may ask this model: its owner pays for it."""
    own, named = os.environ.get(URL_VARIABLE, "").strip(), os.environ.get(MODEL_VARIABLE, "").strip()
    if not own:
        raise BadInput(
            "This hosted studio asks no model server, for its owner named none: run the studio on your own "
            "machine to use one."
        )
    if origin(own) != origin(url):
        raise BadInput(
            f"This hosted studio asks only the server that its owner chose, not {url}: leave the address "
            "empty, or run the studio on your own machine to use that server."
        )
    if named and model != named:
        raise BadInput(
            f"This hosted studio asks only the model that its owner chose, not {model}: leave the model's "
            "name empty, or run the studio on your own machine to use that model."
        )
