"""Any OpenAI-compatible server: OpenAI, the Hugging Face router, Gemini, vLLM, Ollama, llama.cpp."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from engine.agents.choice import Target
from engine.agents.keys import read_key
from engine.agents.model import Limits

if TYPE_CHECKING:
    from pydantic_ai.models import Model

RETRIES = 2
"""How often a busy (429) or broken (5xx) server is asked again, with growing pauses or as long as it says."""
NO_KEY = "no-key"  # servers at home want none, but the client insists on a text


@asynccontextmanager
async def connect_server(target: Target, limits: Limits) -> AsyncIterator[Model]:
    """The server's model for one question. The key lives as long as the connection."""
    from openai import AsyncOpenAI, DefaultAsyncHttpxClient, Timeout
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    # No redirects: a key is for the address that was named. So plain http never becomes https on the way, and
    # reading all certificates, the slowest part of a connection, is left out for it.
    http = DefaultAsyncHttpxClient(verify=target.url.startswith("https:"), follow_redirects=False)
    async with AsyncOpenAI(
        base_url=target.url,
        api_key=read_key(target.url) or NO_KEY,
        timeout=Timeout(limits.silence, connect=limits.connect),
        max_retries=RETRIES,
        http_client=http,
    ) as client:
        # The client takes these from the environment by itself, whatever server it is for.
        client.organization = client.project = None
        yield OpenAIChatModel(target.model, provider=OpenAIProvider(openai_client=client))
