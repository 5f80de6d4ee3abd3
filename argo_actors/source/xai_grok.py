"""xAI's Grok: sentiment from a search of X and the web, all symbols in one call."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from ..config import Source
from ..errors import PermanentProviderError, TransientProviderError
from ..units import SECOND, Symbol, UtcNanos
from .budget import Budget
from .http import Answer
from .language_model import INSTRUCTIONS, LanguageModel, Remedy, Said, message_text, schema
from .provider import Known

KEY_NAME = "XAI_API_KEY"
MOST_TURNS = 2


class _Response(msgspec.Struct):
    status: str
    output: list[dict[str, Any]]
    model: str = ""
    usage: dict[str, Any] | None = None


class XaiGrok(LanguageModel):
    """The responses API with its search tools; a wrong key is a 400 here."""

    path = "/responses"
    slot_seconds = 1800.0
    reserved_usd = 0.10
    units_a_dollar = 1e10
    money = ("available credits", "any credits", "spending limit")
    remedies = (
        Remedy(money, "buy credits or raise the spending limit at console.x.ai"),
        Remedy(("api key", "401:"), f"set a valid {KEY_NAME}"),
        Remedy(("403:",), f"set a valid {KEY_NAME} with the right to this model"),
        Remedy((), "set sources.xai_grok.model to a model of today, else update the program"),
    )

    def __init__(self, settings: Source, key: str, budget: Budget) -> None:
        super().__init__(
            settings, key, budget, url="https://api.x.ai/v1", key_name=KEY_NAME, model="grok-4.3"
        )

    def question(self, symbols: Sequence[Symbol], now: UtcNanos) -> dict[str, Any]:
        today = datetime.fromtimestamp(now // SECOND, UTC).date()
        between = {"from_date": f"{today - timedelta(days=1)}", "to_date": f"{today}"}
        form = {"type": "json_schema", "name": "scores", "strict": True, "schema": schema(symbols)}
        return {
            "model": self._model,
            "input": [
                {"role": "system", "content": INSTRUCTIONS},
                {"role": "user", "content": "Symbols: " + ", ".join(symbols)},
            ],
            "tools": [{"type": "x_search", **between}, {"type": "web_search"}],
            "text": {"format": form},
            "max_turns": MOST_TURNS,
            "store": False,
        }

    def said(self, answer: Answer) -> Said:
        found = self._http.read(answer, _Response)
        if found.model and not found.model.startswith(self._model):
            # Retired names run on another model, at several times the price.
            raise PermanentProviderError(
                f"another model answered than {self._model}", fix=self.remedies[-1].fix
            )
        if found.status not in ("completed", "incomplete"):
            raise TransientProviderError("a response that was not completed")
        cost = (found.usage or {}).get("cost_in_usd_ticks")
        if found.status == "incomplete":
            return Said(cost=cost, nothing="the model's answer is cut off")
        return message_text(found.output)._replace(cost=cost)


SOURCE = Known(
    lambda settings, secrets, file: XaiGrok(
        settings, secrets.get(KEY_NAME), Budget(settings.daily_budget_usd, file)
    ),
    ((KEY_NAME,),),
)
