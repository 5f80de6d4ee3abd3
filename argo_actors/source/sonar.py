"""Perplexity's agent API: an analysis that must search, all symbols in one call."""

from collections.abc import Sequence
from typing import Any

import msgspec

from ..config import Source
from ..errors import TransientProviderError
from ..units import Symbol, UtcNanos
from .budget import Budget
from .http import Answer
from .language_model import INSTRUCTIONS, LanguageModel, Remedy, Said, message_text, schema
from .provider import Known

KEY_NAME = "PERPLEXITY_API_KEY"
MOST_TOKENS = 2000


class _Response(msgspec.Struct):
    status: str
    output: list[dict[str, Any]]
    usage: dict[str, Any] | None = None


class Sonar(LanguageModel):
    """Answers without a search are of no use; `failed` comes with a good status."""

    path = "/v1/agent"
    slot_seconds = 7200.0
    reserved_usd = 0.02
    money = ("credits",)
    remedies = (
        Remedy(("401:",), f"set a valid {KEY_NAME}, and check its credits"),
        Remedy(money, "buy credits"),
        Remedy(("agent api", "migrat"), "update the program: the vendor moved its API"),
        Remedy(("403:",), f"set a valid {KEY_NAME}"),
        Remedy((), "correct sources.sonar.model, else report the message"),
    )

    def __init__(self, settings: Source, key: str, budget: Budget) -> None:
        super().__init__(
            settings,
            key,
            budget,
            url="https://api.perplexity.ai",
            key_name=KEY_NAME,
            model="perplexity/sonar",
        )

    def question(self, symbols: Sequence[Symbol], now: UtcNanos) -> dict[str, Any]:
        form = {"name": "scores", "strict": True, "schema": schema(symbols)}
        return {
            "model": self._model,
            "instructions": INSTRUCTIONS,
            "input": "Symbols: " + ", ".join(symbols),
            "max_output_tokens": MOST_TOKENS,
            "tools": [{"type": "web_search", "filters": {"search_recency_filter": "day"}}],
            "tool_choice": {"type": "web_search"},
            "response_format": {"type": "json_schema", "json_schema": form},
            "store": False,
        }

    def said(self, answer: Answer) -> Said:
        found = self._http.read(answer, _Response)
        if found.status not in ("completed", "incomplete"):
            raise TransientProviderError("a response that was not completed")
        priced = (found.usage or {}).get("cost")
        cost = priced.get("total_cost") if isinstance(priced, dict) else None
        if found.status == "incomplete":
            return Said(cost=cost, nothing="the model's answer is cut off")
        if not any(
            one.get("type") == "search_results" and one.get("results") for one in found.output
        ):
            return Said(cost=cost, nothing="the model answered without sources")
        return message_text(found.output)._replace(cost=cost)


SOURCE = Known(
    lambda settings, secrets, file: Sonar(
        settings, secrets.get(KEY_NAME), Budget(settings.daily_budget_usd, file)
    ),
    ((KEY_NAME,),),
)
