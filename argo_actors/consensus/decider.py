"""The consensus actor: opinions heard, a cycle decided, signals said."""

import hashlib
import math
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from .. import keyed
from ..config import Config, families, is_coin
from ..messages import Message, WordId
from ..messages.market import Decide, Figures
from ..messages.opinion import Family, NoOpinion, Opinion, SourceStatus, VendorPrice
from ..messages.signal import Action, CycleClosed, Signal, Verdict
from ..runtime.decider import Decider, Heard
from ..units import SECOND, Symbol, UtcNanos
from . import prices as vendor_prices
from .pooling import FAMILIES, Cast, Pooled, backed, pool, round6
from .regime import RegimeView, multiplier, read

FUTURE_TOLERANCE = SECOND


class Kept(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="_tag", tag=True):
    """The newest valid opinion of a source on a symbol, and the word it came in."""

    opinion: Opinion
    word: WordId


class Priced(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="_tag", tag=True):
    """The newest live price of a source on a symbol."""

    price: float
    as_of: UtcNanos
    valid_until: UtcNanos


class View(msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="_tag", tag=True):
    """What is known of a symbol."""

    opinions: tuple[tuple[str, Kept], ...] = ()
    prices: tuple[tuple[str, Priced], ...] = ()
    silent: tuple[tuple[str, str], ...] = ()
    """Why a source has nothing to say."""
    regime: RegimeView = RegimeView()
    figures: WordId | None = None


class ConsensusState(
    msgspec.Struct, frozen=True, gc=False, kw_only=True, tag_field="_tag", tag=True
):
    """Everything the next cycle rests on."""

    version: int = 1
    views: tuple[tuple[Symbol, View], ...] = ()
    configured: tuple[tuple[str, bool], ...] = ()
    dropped: tuple[tuple[str, int], ...] = ()
    """Refused opinions by source and reason."""
    decided: int = 0


class Rules(NamedTuple):
    """A configuration, and what follows from it alone."""

    config: Config
    symbols: tuple[Symbol, ...]
    families: Mapping[str, Family]
    """Every source's family, in the order in which members vote."""
    weights: Mapping[str, float]
    """Of the families."""
    enabled: frozenset[str]
    """A state from before a restart may know sources that the configuration of today leaves out."""


def rules_of(config: Config) -> Rules:
    """The rules of a configuration."""
    return Rules(
        config,
        tuple(sorted(config.symbols)),
        families(config),
        {str(name): weight for name, weight in config.consensus.weights.items()},
        frozenset(name for name, source in config.sources.items() if source.enabled),
    )


def consensus(config: Config) -> Decider[ConsensusState]:
    """The consensus of a configuration."""
    rules = rules_of(config)

    def evolve(state: ConsensusState, heard: Heard) -> ConsensusState:
        return _evolve(rules, state, heard)

    def decide(state: ConsensusState, heard: Heard) -> tuple[Message, ...]:
        return _cycle(rules, state, heard) if isinstance(heard.message, Decide) else ()

    enabled = tuple((name, True) for name in sorted(rules.enabled))
    return Decider(ConsensusState(configured=enabled), evolve, decide)


def _evolve(rules: Rules, state: ConsensusState, heard: Heard) -> ConsensusState:
    message = heard.message
    match message:
        case Opinion():
            reason = refusal(rules, message, heard.at)
            if reason:
                return _count(state, f"{message.source}: {reason}")
            return _with(state, message.symbol, _hold(_view(state, message.symbol), heard, message))
        case VendorPrice() if message.symbol in rules.symbols:
            view = _view(state, message.symbol)
            priced = Priced(
                price=message.price, as_of=message.as_of, valid_until=message.valid_until
            )
            changed = keyed.put(view.prices, message.source, priced)
            return _with(state, message.symbol, msgspec.structs.replace(view, prices=changed))
        case NoOpinion() if message.symbol in rules.symbols:
            view = _view(state, message.symbol)
            changed_why = keyed.put(view.silent, message.source, message.reason)
            return _with(state, message.symbol, msgspec.structs.replace(view, silent=changed_why))
        case SourceStatus() if message.source in rules.families:
            configured = keyed.put(state.configured, message.source, message.configured)
            return msgspec.structs.replace(state, configured=configured)
        case Figures() if message.symbol in rules.symbols:
            view = _view(state, message.symbol)
            regime = read(view.regime, message.regime)
            changed_view = msgspec.structs.replace(view, regime=regime, figures=heard.word)
            return _with(state, message.symbol, changed_view)
        case Decide():
            return msgspec.structs.replace(state, decided=message.n)
    return state


def _hold(view: View, heard: Heard, opinion: Opinion) -> View:
    before = keyed.get(view.opinions, opinion.source)
    if before is not None and before.opinion.as_of > opinion.as_of:
        return view
    kept = Kept(opinion=opinion, word=heard.word)
    changed = msgspec.structs.replace(
        view,
        opinions=keyed.put(view.opinions, opinion.source, kept),
        silent=keyed.drop(view.silent, opinion.source),
    )
    if not opinion.live or opinion.price is None:
        return changed
    priced = Priced(price=opinion.price, as_of=opinion.as_of, valid_until=opinion.valid_until)
    return msgspec.structs.replace(
        changed, prices=keyed.put(changed.prices, opinion.source, priced)
    )


def refusal(rules: Rules, opinion: Opinion, now: UtcNanos) -> str:
    """Why an opinion is dropped on arrival, empty when it is not."""
    price = opinion.price
    if not (math.isfinite(opinion.confidence) and (price is None or math.isfinite(price))):
        return "not finite"
    if not 0 <= opinion.confidence <= 100:
        return "confidence outside 0 to 100"
    if price is not None and not price > 0:
        return "price not positive"
    if opinion.as_of > now + FUTURE_TOLERANCE:
        return "from the future"
    if max(now, opinion.as_of) > opinion.valid_until:
        return "stale"
    if opinion.symbol not in rules.symbols or opinion.source not in rules.families:
        return "not asked for"
    return ""


def _cycle(rules: Rules, state: ConsensusState, heard: Heard) -> tuple[Message, ...]:
    said: list[Message] = []
    verdicts: list[Verdict] = []
    for symbol in rules.symbols:
        judged = judge(rules, state, symbol, heard.at)
        verdicts.append(judged.verdict)
        if judged.signal is not None:
            said.append(_signal(rules.config, heard, judged))
    assert isinstance(heard.message, Decide)
    said.append(CycleClosed(n=heard.message.n, verdicts=tuple(verdicts), because=(heard.word,)))
    return tuple(said)


class Judged(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """One symbol in one cycle: the pooled votes and what they come to."""

    symbol: Symbol
    pooled: Pooled
    view: View
    action: Action | None
    raw: float
    confidence: float
    multiplier: float
    prices: vendor_prices.Comparison
    verdict: Verdict
    signal: bool | None
    """True: strong enough for an entry; False: only for a close; None: no signal."""


def judge(rules: Rules, state: ConsensusState, symbol: Symbol, now: UtcNanos) -> Judged:
    """What the valid opinions on a symbol come to now."""
    config, view = rules.config, _view(state, symbol)
    configured = [name for name, yes in state.configured if yes and name in rules.enabled]
    valid = [kept.opinion for _, kept in view.opinions if now <= kept.opinion.valid_until]
    casts = [
        Cast(one.source, one.direction, one.confidence) for one in valid if one.source in configured
    ]
    pooled = pool(casts, configured, rules.weights, rules.families)
    action: Action | None = None
    if pooled.strength:
        action = "BUY" if pooled.strength > 0 else "SELL"
    raw = round6(100 * abs(pooled.strength))
    factor = multiplier(config, view.regime.regime, action or "BUY")
    confidence = round6(min(100.0, raw * factor))
    missing = _missing(config, pooled, action)
    signal = None if missing else _strong(config, raw, confidence)
    reason = missing or _reason(config, view, pooled, raw, confidence, factor)
    return Judged(
        symbol=symbol,
        pooled=pooled,
        view=view,
        action=action,
        raw=raw,
        confidence=confidence,
        multiplier=factor,
        prices=_compared(config, view, symbol, now),
        signal=signal,
        verdict=Verdict(
            symbol=symbol,
            action=action,
            raw_confidence=raw,
            confidence=confidence,
            participation=pooled.participation,
            signal=signal is not None,
            reason=reason,
        ),
    )


def _strong(config: Config, raw: float, confidence: float) -> bool | None:
    if confidence >= config.min_confidence:
        return True
    return False if raw >= config.consensus.close_confidence else None


def _missing(config: Config, pooled: Pooled, action: Action | None) -> str:
    """What keeps the votes from being a consensus, empty when nothing does."""
    settings = config.consensus
    if action is None:
        return "no direction: " + votes_in_words(pooled)
    needed = min(settings.min_families, max(1, pooled.configured))
    if pooled.voting < needed:
        return f"{pooled.voting} of {pooled.configured} families vote, {needed} needed: " + (
            votes_in_words(pooled)
        )
    if pooled.participation < settings.min_participation:
        return f"participation {pooled.participation:.2f} of {settings.min_participation:.2f}"
    if not backed(pooled.families, pooled.strength):
        return "neither market data nor technical has this direction"
    return ""


def _reason(
    config: Config, view: View, pooled: Pooled, raw: float, confidence: float, factor: float
) -> str:
    sign = "BUY" if pooled.strength > 0 else "SELL"
    return (
        f"{sign} {confidence:.2f} of {config.min_confidence:g} "
        f"(raw {raw:.2f} x {factor:g} in {view.regime.regime}): {votes_in_words(pooled)}; "
        f"{pooled.configured} of {len(FAMILIES)} families"
    )


def votes_in_words(pooled: Pooled) -> str:
    """Each family's vote, readable."""
    said = []
    for family in pooled.families:
        if family.vote is None:
            said.append(f"{family.name} {'neutral' if family.members else 'silent'}")
        else:
            side = "LONG" if family.vote > 0 else "SHORT" if family.vote < 0 else "even"
            said.append(f"{family.name} {side} {abs(family.vote):.2f}")
    return ", ".join(said) or "no source is configured"


def _compared(
    config: Config, view: View, symbol: Symbol, now: UtcNanos
) -> vendor_prices.Comparison:
    tolerance = (
        config.consensus.price_tolerance_crypto_pct
        if is_coin(symbol)
        else config.consensus.price_tolerance_stocks_pct
    )
    fresh = [
        vendor_prices.Price(source, one.price, one.as_of)
        for source, one in view.prices
        if now <= one.valid_until
    ]
    return vendor_prices.compare(fresh, tolerance)


def _signal(config: Config, heard: Heard, judged: Judged) -> Signal:
    assert isinstance(heard.message, Decide)
    assert judged.action is not None
    voters = {one.source for family in judged.pooled.families for one in family.members}
    because = [kept.word for source, kept in judged.view.opinions if source in voters]
    if judged.view.figures is not None:
        because.append(judged.view.figures)
    content = (
        heard.message.n,
        judged.symbol,
        judged.action,
        judged.pooled.strength,
        judged.confidence,
        judged.pooled.families,
        judged.view.regime.regime,
    )
    return Signal(
        cycle=heard.message.n,
        symbol=judged.symbol,
        action=judged.action,
        strength=judged.pooled.strength,
        raw_confidence=judged.raw,
        confidence=judged.confidence,
        participation=judged.pooled.participation,
        families=judged.pooled.families,
        regime=judged.view.regime.regime,
        multiplier=judged.multiplier,
        threshold=config.min_confidence,
        entry=judged.signal is True,
        price_conflict=judged.prices.conflict,
        split_suspected=judged.prices.split,
        reasoning=judged.verdict.reason,
        expires_at=heard.at + int(config.consensus.signal_seconds * SECOND),
        content=hashlib.sha256(msgspec.msgpack.encode(content)).hexdigest(),
        because=tuple(sorted(because)),
    )


def _view(state: ConsensusState, symbol: Symbol) -> View:
    return keyed.get(state.views, symbol) or View()


def _with(state: ConsensusState, symbol: Symbol, view: View) -> ConsensusState:
    return msgspec.structs.replace(state, views=keyed.put(state.views, symbol, view))


def _count(state: ConsensusState, reason: str) -> ConsensusState:
    seen = keyed.get(state.dropped, reason) or 0
    if seen == 0 and len(state.dropped) >= keyed.LIMIT:
        return state
    return msgspec.structs.replace(state, dropped=keyed.put(state.dropped, reason, seen + 1))
