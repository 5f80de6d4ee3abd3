"""An account, a market and a signal as risk knows them; each test changes what it is about."""

from typing import Any, NamedTuple

import msgspec

from argo_actors import config as configuration
from argo_actors.config import Config, is_coin
from argo_actors.messages import Message, WordId
from argo_actors.messages.market import (
    Asset,
    Figures,
    MarketHours,
    Quote,
    Quotes,
    QuoteSeen,
    QuotesWanted,
)
from argo_actors.messages.opinion import SourceStatus
from argo_actors.messages.order import (
    AccountReport,
    BrokerLink,
    BrokerReady,
    Holding,
    PositionClosed,
    PositionOpened,
)
from argo_actors.messages.signal import Approval, Check, CycleClosed, Denial, Execute, Signal
from argo_actors.risk.case import Case, priced
from argo_actors.risk.checks import ENTRY_CHECKS, run
from argo_actors.risk.decider import risk
from argo_actors.risk.state import Reserved, RiskState, holding
from argo_actors.risk.table import intent
from argo_actors.runtime.decider import Heard, fold_said, step
from argo_actors.units import HOUR, MINUTE, SECOND, ZERO, Decimal

NOW = 1_772_636_400 * SECOND
EARLY = NOW - 10 * MINUTE
DAY = NOW - 16 * HOUR
"""When the running loss day began."""
PROP = {"prop_firm": {"enabled": True}}
Word = Message | tuple[int, Message]


def config_of(**changes: Any) -> Config:
    tree = {"account": "test", "symbols": ["AAPL", "BTC-USD", "MSFT"]} | changes
    return configuration.decode(msgspec.json.encode(tree))


def hours(**changes: Any) -> MarketHours:
    known: dict[str, Any] = {
        "is_open": True,
        "session_open": NOW - HOUR,
        "session_close": NOW + 5 * HOUR,
        "next_open": NOW + 22 * HOUR,
        "next_close": NOW + 5 * HOUR,
        "loss_day": DAY,
    }
    return MarketHours(**(known | changes))


def account(equity: object = 100_000, **changes: Any) -> AccountReport:
    known: dict[str, Any] = {
        "account_number": "A1",
        "status": "ACTIVE",
        "cash": Decimal(str(equity)),
        "equity": Decimal(str(equity)),
        "last_equity": Decimal(str(equity)),
        "buying_power": Decimal(200_000),
        "non_marginable_buying_power": Decimal(100_000),
        "shorting_enabled": True,
        "trading_blocked": False,
    }
    return AccountReport(**(known | changes))


def asset(symbol: str = "AAPL", **changes: Any) -> Asset:
    coin = is_coin(symbol)
    known: dict[str, Any] = {
        "symbol": symbol,
        "asset_class": "crypto" if coin else "us_equity",
        "tradable": True,
        "shortable": True,
        "easy_to_borrow": True,
        "fractionable": True,
        "min_order_size": Decimal("0.000001") if coin else Decimal(1),
        "min_trade_increment": Decimal("0.000000001") if coin else Decimal(1),
        "price_increment": Decimal("0.01"),
    }
    return Asset(**(known | changes))


def figures(symbol: str = "AAPL", atr: float | None = 2.0, regime: Any = "BULL") -> Figures:
    return Figures(
        symbol=symbol, regime=regime, atr_pct=atr, bars=252, timeframe="1Day", as_of=EARLY
    )


def quote(symbol: str = "AAPL", bid: float = 99.9, ask: float = 100.0, **changes: Any) -> Quote:
    known: dict[str, Any] = {"at": NOW - SECOND, "received_at": NOW}
    return Quote(symbol=symbol, bid=bid, ask=ask, **(known | changes))


def seen(symbol: str, mid: float) -> QuoteSeen:
    return QuoteSeen(quote=quote(symbol, mid, mid))


def signal(symbol: str = "AAPL", action: Any = "BUY", **changes: Any) -> Signal:
    confidence = changes.get("confidence", 75.0)
    known: dict[str, Any] = {
        "cycle": 1,
        "strength": 0.75,
        "raw_confidence": confidence,
        "confidence": confidence,
        "participation": 1.0,
        "families": (),
        "regime": "BULL",
        "multiplier": 1.0,
        "threshold": 75.0,
        "entry": True,
        "price_conflict": False,
        "reasoning": "BUY because everybody says so",
        "expires_at": NOW + 30 * SECOND,
        "content": f"{symbol} {action}",
        "because": (),
    }
    return Signal(symbol=symbol, action=action, **(known | changes))


def held(symbol: str, qty: object = 1, price: object = 10, **changes: Any) -> Holding:
    known: dict[str, Any] = {
        "phase": "protected",
        "side": "buy",
        "qty": Decimal(str(qty)),
        "avg_price": Decimal(str(price)),
        "pending_qty": ZERO,
        "pending_price": None,
        "stop": None,
        "target": None,
        "own": True,
        "unprotected_since": None,
    }
    return Holding(symbol=symbol, **(known | changes))


def flat(symbol: str, **changes: Any) -> Holding:
    known: dict[str, Any] = {"phase": "flat", "side": None, "avg_price": None}
    return held(symbol, 0, 0, **(known | changes))


def opened(symbol: str = "AAPL") -> PositionOpened:
    return PositionOpened(
        symbol=symbol, position_id="p", side="buy", qty=ZERO, avg_price=ZERO, because=()
    )


def closed(symbol: str = "AAPL", reason: Any = "stop", **changes: Any) -> PositionClosed:
    known: dict[str, Any] = {
        "position_id": "p",
        "side": "buy",
        "entry_price": ZERO,
        "exit_price": ZERO,
        "qty": ZERO,
        "fees": ZERO,
        "pnl": ZERO,
        "entry_at": EARLY,
        "exit_at": EARLY,
        "because": (),
    }
    return PositionClosed(symbol=symbol, reason=reason, **(known | changes))


def quiet_cycle(n: int = 0) -> CycleClosed:
    return CycleClosed(n=n, verdicts=())


def status(source: str = "alpaca", **changes: Any) -> SourceStatus:
    known: dict[str, Any] = {"state": "running", "configured": True, "answered": True}
    return SourceStatus(source=source, **(known | changes))


def execute(symbol: str = "AAPL", **changes: Any) -> Execute:
    known: dict[str, Any] = {"action": "BUY", "confidence": 80.0, "entry_price": Decimal(100)}
    return Execute(request=f"r-{symbol}", symbol=symbol, **(known | changes))


def reserved(symbol: str, notional: object, **changes: Any) -> tuple[str, Reserved]:
    known: dict[str, Any] = {
        "signal": "s",
        "action": "BUY",
        "qty": Decimal(1),
        "price": Decimal(100),
        "stop": None,
    }
    return symbol, Reserved(notional=Decimal(str(notional)), **(known | changes))


def usual(symbol: str = "AAPL", equity: object = 100_000) -> list[Word]:
    """Everything in order: ready, connected, solvent, open."""
    return [
        hours(),
        BrokerReady(orders=0, positions=0),
        BrokerLink(stream_up=True, last_answer_at=NOW),
        status(),
        (EARLY - 2 * SECOND, account(equity)),
        account(equity),
        asset(symbol),
        figures(symbol),
    ]


class World(NamedTuple):
    """An entry and all that risk knows of it."""

    config: Config
    state: RiskState
    signal: Signal
    quote: Quote | None

    @property
    def case(self) -> Case:
        """The case as it is judged with its quote."""
        symbol = self.signal.symbol
        assets = dict(self.state.assets)
        meant: Any = intent(self.signal.action, holding(self.state, symbol))
        case = Case(
            config=self.config,
            state=self.state,
            now=NOW,
            signal=self.signal,
            intent=meant,
            asset=assets.get(symbol),
            quote=self.quote,
        )
        return priced(case, None, None)

    def checks(self) -> tuple[Check, ...]:
        return run(ENTRY_CHECKS, self.case)

    def failed(self) -> list[str]:
        return [one.code for one in self.checks() if not one.passed]

    def answer(self, at: int = NOW) -> Approval | Denial | None:
        """What the decider says to the signal, its quote given when it asks."""
        book = Book(self.config, self.state)
        said = book.hear(self.signal, quiet_cycle(self.signal.cycle), at=at)
        if any(isinstance(one, QuotesWanted) for one in said):
            quotes = () if self.quote is None else (self.quote,)
            said = book.hear(Quotes(request=book.state.request, quotes=quotes), at=at)
        found = [one for one in said if isinstance(one, Approval | Denial)]
        assert len(found) <= 1
        return found[0] if found else None


class Book:
    """The risk decider with its state, step by step, its own words folded in."""

    def __init__(self, config: Config, state: RiskState | None = None) -> None:
        self.decider = risk(config)
        self.state = self.decider.initial if state is None else state
        self.seq = 1000

    def hear(self, *messages: Message, at: int = NOW) -> list[Message]:
        """Everything that is said to these words."""
        said: list[Message] = []
        for message in messages:
            self.seq += 2
            found = step(self.decider, self.state, Heard(WordId(self.seq, 0), at, message))
            self.state = fold_said(self.decider, found.state, self.seq + 1, at, found.said)
            said += found.said
        return said


def told(config: Config, *words: Word) -> Book:
    """A book that has heard these words: each at its own time, else ten minutes ago."""
    book = Book(config)
    for word in words:
        at, message = word if isinstance(word, tuple) else (EARLY, word)
        book.hear(message, at=at)
    return book


def world(
    *words: Word,
    symbol: str = "AAPL",
    action: str = "BUY",
    config: dict[str, Any] | None = None,
    signal: dict[str, Any] | None = None,
    quote: dict[str, Any] | None = None,
    no_quote: bool = False,
    equity: object = 100_000,
    state: dict[str, Any] | None = None,
) -> World:
    """A world in which all is well but for the words, settings and values given."""
    settings = config_of(**(config or {}))
    book = told(settings, *usual(symbol, equity), *words)
    found = msgspec.structs.replace(book.state, **(state or {}))
    offer = None if no_quote else globals()["quote"](symbol, **(quote or {}))
    return World(settings, found, globals()["signal"](symbol, action, **(signal or {})), offer)
