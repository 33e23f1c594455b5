"""Any OpenAI-compatible server: OpenAI, the Hugging Face router, Gemini, vLLM, Ollama, llama.cpp."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from engine.agents.choice import Target
from engine.agents.keys import read_key
from engine.agents.model import Limits

if TYPE_CHECKING:
    from pydantic_ai.models import Model

RETRIES = 2
"""How often a busy (429) or broken (5xx) server is asked again, with growing pauses or as long as it says.
One that did not answer in time is asked no more: people would wait as long again.
"""
NO_KEY = "no-key"  # servers at home want none, but the client insists on a text
_NO_TAG = "\0"  # in no answer


@asynccontextmanager
async def connect_server(target: Target, limits: Limits) -> AsyncIterator[Model]:
    """The server's model for one question. The key lives as long as the connection."""
    from openai import AsyncOpenAI, DefaultAsyncHttpxClient, Timeout
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.profiles.openai import OpenAIModelProfile
    from pydantic_ai.providers.openai import OpenAIProvider

    class Http(DefaultAsyncHttpxClient):
        """The client would ask again after a time-out, too: then it hears of the first one at once, and the
        server hears nothing.
        """

        late: Exception | None = None

        async def send(self, request: Any, **options: Any) -> Any:
            if self.late is not None:
                raise self.late
            try:
                return await super().send(request, **options)
            except Exception as error:
                if _is_late(error):
                    self.late = error
                raise

    # No redirects: a key is for the address that was named. So plain http never becomes https on the way, and
    # reading all certificates, the slowest part of a connection, is left out for it.
    http = Http(verify=target.url.startswith("https:"), follow_redirects=False)
    async with AsyncOpenAI(
        base_url=target.url,
        api_key=read_key(target.url) or NO_KEY,
        timeout=Timeout(limits.silence, connect=limits.connect),
        max_retries=RETRIES,
        http_client=http,
    ) as client:
        # The client takes these from the environment by itself, whatever server it is for.
        client.organization = client.project = None
        # The library takes a thought for the whole answer where a tag and more come in one piece, so it is to
        # find none: `engine.agents.answers` does. What a model thought of a wrong answer is not sent again.
        profile = OpenAIModelProfile(
            thinking_tags=(_NO_TAG, _NO_TAG), openai_chat_send_back_thinking_parts=False
        )
        provider = OpenAIProvider(openai_client=client)
        yield OpenAIChatModel(target.model, provider=provider, profile=profile)


def _is_late(error: Exception) -> bool:
    """Whether it is a time-out: the client speaks through httpx or httpx2, by its version."""
    return any(cls.__name__ == "TimeoutException" for cls in type(error).__mro__)
