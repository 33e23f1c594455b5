"""Who plays the director, the refiner and the judge: data of a project, completed by the environment.

| variable          | says                                                        |
|-------------------|-------------------------------------------------------------|
| `STAGE_LLM_URL`   | the address of an OpenAI-compatible server, up to `/v1`     |
| `STAGE_LLM_MODEL` | the model's name there                                      |
| `STAGE_LOCAL_LLM` | a folder, or a name on the Hugging Face hub, to load here   |

Keys are never part of this data, see `engine.agents.keys`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import Enum
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator

from engine.agents.keys import HOSTED_VARIABLE, KEYS, URL_VARIABLE, origin
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
        if not url:
            return url
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("an address begins with http:// or https://, as in http://localhost:11434/v1")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError(
                "an address holds no password, key or question mark; keys come from the environment"
            )
        return url.rstrip("/")

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


def server_target(url: str = "", model: str = "") -> Target:
    """A model on a server, completed by the environment. Raises BadInput."""
    url = (url or os.environ.get(URL_VARIABLE, "")).rstrip("/")
    model = model or os.environ.get(MODEL_VARIABLE, "")
    if not url:
        raise BadInput(
            "No model server is named: write its address under Agents (http://localhost:11434/v1 for "
            f"Ollama), or set {URL_VARIABLE}."
        )
    if not model:
        raise BadInput(f"No model is named for {url}: write its name under Agents, or set {MODEL_VARIABLE}.")
    Agents(url=url)
    if os.environ.get(HOSTED_VARIABLE) and not _known(url):
        raise BadInput(
            f"This hosted studio asks only servers that its owner allows, not {url}: run the studio on your "
            "own machine to use that server."
        )
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


def _known(url: str) -> bool:
    """Whether a hosted studio may be sent to this address: the owner's, or a public service."""
    own = os.environ.get(URL_VARIABLE, "")
    return origin(url) in KEYS or bool(own and origin(own) == origin(url))
