"""The real providers against the simulated venue's own emulation of them."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from argo_actors.config import Source
from argo_actors.errors import PermanentProviderError, SoftProviderError
from argo_actors.host.secrets import Pair
from argo_actors.source.alpaca import Alpaca
from argo_actors.source.alpha_vantage import AlphaVantage
from argo_actors.source.bars import completed
from argo_actors.source.budget import Budget
from argo_actors.source.figures import figures
from argo_actors.source.massive import Massive
from argo_actors.source.opinion import MARKET_DATA, TECHNICAL, from_bars
from argo_actors.source.provider import Provider
from argo_actors.source.sonar import Sonar
from argo_actors.source.xai_grok import XaiGrok
from argo_actors.source.yfinance import Yahoo
from argo_actors.venue.data_rest import handle_data
from argo_actors.venue.generated import Generated
from argo_actors.venue.providers import handle_provider
from argo_actors.venue.skill import HONEST, Skills, score, seen_by, skills
from argo_actors.venue.vendors import failure
from argo_actors.venue.wire import Request
from tests.source.provider_stub import Asked, ProviderStub, Reply, providing
from tests.source.source_bench import NOW

SYMBOLS = ["AAPL", "BTC-USD"]


class World:
    """The venue's data endpoints as of one time."""

    def __init__(self) -> None:
        self.market = Generated(7, NOW)
        self.now = NOW
        self.skills: Skills = HONEST
        self.failing = ""
        self.free_plans: frozenset[str] = frozenset()

    def __call__(self, asked: Asked) -> Reply:
        request = Request(asked.method, asked.path, asked.query, asked.headers, asked.body)
        shown = seen_by(self.market, self.skills["alpaca"], ("1Min",))
        found = (
            failure(asked.path, self.failing, "KEY")
            or handle_provider(self.market, self.now, request, self.skills, self.free_plans)
            or handle_data(shown, self.now, request)
        )
        assert found is not None, asked.path
        status, headers, body = found
        return Reply(status, body, tuple(headers.items()))


@pytest.fixture(scope="module")
def stub() -> Iterator[ProviderStub]:
    with providing(World()) as one:
        yield one


@pytest.fixture
def world(stub: ProviderStub) -> Iterator[World]:
    found: Any = stub.script
    assert isinstance(found, World)
    yield found
    found.failing, found.free_plans = "", frozenset()
    found.now, found.skills = NOW, HONEST


MAKE: dict[str, Callable[[str, str], Provider]] = {
    "alpaca": lambda url, frame: Alpaca(settings(url, frame), Pair("PK1", "secret")),
    "massive": lambda url, frame: Massive(settings(url + "/massive", frame), "MKEY"),
    "alpha_vantage": lambda url, frame: AlphaVantage(
        settings(url + "/alpha_vantage", frame), "AKEY"
    ),
    "yfinance": lambda url, frame: Yahoo(settings(url + "/yahoo", frame)),
}
MODELS: dict[str, Callable[[str], Provider]] = {
    "xai_grok": lambda url: XaiGrok(settings(url + "/xai", "1Day"), "XKEY", Budget(2.0)),
    "sonar": lambda url: Sonar(settings(url + "/perplexity", "1Day"), "PKEY", Budget(2.0)),
}


def settings(url: str, timeframe: Any) -> Source:
    return Source(base_url=url, timeframe=timeframe, plan="paid")


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("name", MAKE)
@pytest.mark.parametrize("timeframe", ["1Min", "1Day"])
def test_its_bars_vote(stub: ProviderStub, name: str, timeframe: str) -> None:
    periods = TECHNICAL if name in ("alpha_vantage", "yfinance") else MARKET_DATA
    with closing(MAKE[name](stub.url, timeframe)) as provider:
        found = provider.readings(SYMBOLS, NOW)
    assert [one.symbol for one in found] == SYMBOLS
    for reading in found:
        bars = completed(reading.bars, timeframe, NOW)
        assert len(bars) >= 60, reading.nothing
        opinion = from_bars(bars, timeframe, periods)
        assert not isinstance(opinion, str), opinion


@pytest.mark.usefixtures("world")
def test_two_vendors_see_the_same_bars_and_prices(stub: ProviderStub) -> None:
    with (
        closing(MAKE["alpaca"](stub.url, "1Min")) as one,
        closing(MAKE["massive"](stub.url, "1Min")) as other,
    ):
        for ours, theirs in zip(
            one.readings(SYMBOLS, NOW), other.readings(SYMBOLS, NOW), strict=True
        ):
            a = {bar.t: bar.c for bar in completed(ours.bars, "1Min", NOW)}
            b = {bar.t: bar.c for bar in completed(theirs.bars, "1Min", NOW)}
            common = a.keys() & b.keys()
            assert len(common) >= 100
            assert all(a[t] == b[t] for t in common)
        for ours, theirs in zip(one.prices(SYMBOLS, NOW), other.prices(SYMBOLS, NOW), strict=True):
            assert ours.price == pytest.approx(theirs.price, rel=0.005)


@pytest.mark.usefixtures("world")
def test_history_gives_regime_and_volatility(stub: ProviderStub) -> None:
    with closing(Alpaca(settings(stub.url, "1Min"), Pair("PK1", "secret"))) as alpaca:
        for reading in alpaca.history(SYMBOLS, "1Day", 252, NOW):
            bars = completed(reading.bars, "1Day", NOW)[-252:]
            found = figures(reading.symbol, bars, "1Day", reading.symbol == "BTC-USD")
            assert found.bars == 252
            assert found.atr_pct is not None


@pytest.mark.parametrize("name", ["massive", "alpha_vantage"])
def test_a_bad_key_is_permanent(stub: ProviderStub, world: World, name: str) -> None:
    world.failing = "bad_key"
    with closing(MAKE[name](stub.url, "1Min")) as provider, pytest.raises(PermanentProviderError):
        provider.readings(SYMBOLS, NOW)


def test_a_free_massive_key_on_a_paid_setting_silences_and_does_not_disable(
    stub: ProviderStub, world: World
) -> None:
    world.free_plans = frozenset({"massive"})
    with closing(MAKE["massive"](stub.url, "1Min")) as provider, pytest.raises(SoftProviderError):
        provider.readings(SYMBOLS, NOW)


def test_a_free_alpha_vantage_key_has_days_and_no_minutes(stub: ProviderStub, world: World) -> None:
    world.free_plans = frozenset({"alpha_vantage"})
    with closing(MAKE["alpha_vantage"](stub.url, "1Day")) as daily:
        assert all(not one.nothing for one in daily.readings(SYMBOLS, NOW))
    minutes = MAKE["alpha_vantage"](stub.url, "1Min")
    with closing(minutes), pytest.raises(PermanentProviderError) as found:
        minutes.readings(SYMBOLS, NOW)
    assert "1Day" in found.value.fix


@pytest.mark.usefixtures("world")
def test_yahoos_days_are_those_of_the_other_technical_source(stub: ProviderStub) -> None:
    with (
        closing(MAKE["yfinance"](stub.url, "1Day")) as one,
        closing(MAKE["alpha_vantage"](stub.url, "1Day")) as other,
    ):
        pairs = zip(one.readings(SYMBOLS, NOW), other.readings(SYMBOLS, NOW), strict=True)
        for ours, theirs in pairs:
            a = {bar.t: bar.c for bar in completed(ours.bars, "1Day", NOW)}
            b = {bar.t: bar.c for bar in completed(theirs.bars, "1Day", NOW)}
            assert len(a.keys() & b.keys()) >= 90
            assert all(a[t] == pytest.approx(b[t], abs=1e-4) for t in a.keys() & b.keys())


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize("name", MODELS)
def test_a_models_scores_become_readings_and_its_price_is_counted(
    stub: ProviderStub, name: str
) -> None:
    with closing(MODELS[name](stub.url)) as model:
        found = model.readings(SYMBOLS, NOW)
        assert [one.symbol for one in found] == SYMBOLS
        assert all(one.score is not None for one in found)
        assert model.note.startswith("spent $0.0")


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("how", ["bad_key", "no_money"])
def test_a_model_without_key_or_credits_is_parked(
    stub: ProviderStub, world: World, name: str, how: str
) -> None:
    world.failing = how
    with closing(MODELS[name](stub.url)) as model, pytest.raises(PermanentProviderError) as found:
        model.readings(SYMBOLS, NOW)
    assert "API_KEY" in found.value.fix or "credits" in found.value.fix


@pytest.mark.parametrize("kind", ["perfect", "inverted", "coin"])
@pytest.mark.parametrize("name", MAKE)
def test_over_its_wire_a_vendors_bars_say_what_it_knows_answer_after_answer(
    stub: ProviderStub, world: World, name: str, kind: str
) -> None:
    """Each minute anew, although a provider asks for the newest bars only and joins them to the others."""
    world.skills = skills(f"{name}={kind}")
    skill, said = world.skills[name], 0
    with closing(MAKE[name](stub.url, "1Min")) as provider:
        for minute in range(0, 40, 5):
            world.now = NOW + minute * 60 * 10**9
            for reading in provider.readings(SYMBOLS, world.now):
                found = from_bars(completed(reading.bars, "1Min", world.now), "1Min", MARKET_DATA)
                assert not isinstance(found, str)
                symbol = reading.symbol.replace("-", "/")
                wanted = score(world.market, symbol, world.now, skill, 15 * 60 * 10**9)
                if found.direction != "NEUTRAL":
                    said += 1
                    assert (found.direction == "LONG") == (wanted > 0)
    assert said >= 6


@pytest.mark.parametrize("name", MODELS)
def test_over_its_wire_a_models_scores_say_what_it_knows_and_how_late(
    stub: ProviderStub, world: World, name: str
) -> None:
    world.skills = skills(f"{name}=perfect", f"{name}=600")
    skill = world.skills[name]
    with closing(MODELS[name](stub.url)) as provider:
        found = {one.symbol: one.score for one in provider.readings(SYMBOLS, NOW)}
    assert found == {one: score(world.market, one.replace("-", "/"), NOW, skill) for one in SYMBOLS}
