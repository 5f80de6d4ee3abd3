"""Bugs of the kinds that cost money, as edits of the source: the simulation must catch each of them.

An edit names its file and a text that occurs there exactly once, so that a bug does not silently turn
into none when the code moves on. Where a second layer would hold, a bug lies in each of them. Left out is
what the layers beside make good, such as reservations that a restart forgets (each symbol's actor
says what of its entry is pending) or a gate that alone overlooks a halt (risk has denied the entry).
"""

from pathlib import Path
from typing import NamedTuple

PACKAGE = Path(__file__).resolve().parents[2] / "argo_actors"


class Edit(NamedTuple):
    """One replacement in a file of the package."""

    file: str
    old: str
    new: str


class Bug(NamedTuple):
    """A bug by name, and what it does to the source."""

    name: str
    edits: tuple[Edit, ...]


def bug(name: str, *edits: tuple[str, str, str]) -> Bug:
    """A bug from its edits."""
    return Bug(name, tuple(Edit(*one) for one in edits))


def edited(bug: Bug) -> dict[str, str]:
    """The files that a bug changes, as they read with it. Raises ValueError where an edit does not fit."""
    files: dict[str, str] = {}
    for edit in bug.edits:
        text = files.get(edit.file) or (PACKAGE / edit.file).read_text()
        if text.count(edit.old) != 1:
            raise ValueError(f"{bug.name}: {edit.file} does not hold {edit.old[:60]!r} once")
        files[edit.file] = text.replace(edit.old, edit.new)
    return files


GATE = "broker/gate.py"
BROKER = "broker/edge.py"
WIRE = "broker/wire.py"
READINGS = "broker/readings.py"
REPORTS = "order/reports.py"
ACTIONS = "order/actions.py"
COMMANDS = "order/commands.py"
FOLD = "order/fold.py"
FACTS = "order/facts.py"
TIMING = "order/timing.py"
POLICY = "order/policy.py"
STATE = "order/state.py"
REFUSAL = "order/refusal.py"
CASE = "risk/case.py"
CHECKS = "risk/checks.py"
LEARN = "risk/learn.py"
COOLDOWN = "risk/cooldown.py"
LIMITS = "risk/limits.py"
TABLE = "risk/table.py"
ENGINE = "runtime/engine.py"
FOLDING = "runtime/folding.py"

PLANTED: tuple[Bug, ...] = (
    # before anything leaves
    bug(
        "a submission leaves before its record is on disk",
        (
            GATE,
            "        self._check(order, str(body))\n        self._durable(seq)\n",
            "        self._check(order, str(body))\n",
        ),
    ),
    bug(
        "a cancel leaves before its record is on disk",
        (
            GATE,
            'is no order", status=0)\n        self._durable(seq)\n',
            'is no order", status=0)\n',
        ),
    ),
    bug(
        "the gate does not look at the halt flag",
        (
            GATE,
            "if order.increases and self._operator in STOPS_ENTRIES:",
            "if order.increases and self._operator in ():",
        ),
        (
            CHECKS,
            'return _check("HALTED", found == "normal", found, "normal")',
            'return _check("HALTED", True, found, "normal")',
        ),
    ),
    bug(
        "a halt is forgotten over a restart",
        ("bootstrap.py", "gate.operate(max(known, key=STATES.index))", 'gate.operate("normal")'),
        (
            CHECKS,
            'return _check("HALTED", found == "normal", found, "normal")',
            'return _check("HALTED", True, found, "normal")',
        ),
    ),
    bug(
        "the gate sends what has expired",
        (BROKER, "or self._port.now() > order.expires_at:", ":"),
        (GATE, "if self._now() > order.expires_at:", "if False:"),
        (
            "broker/schedule.py",
            "over = job.order is not None and job.order.expires_at < now",
            "over = False",
        ),
    ),
    bug(
        "the rate of entries is not held",
        (
            GATE,
            '        if not order.increases:\n            return ""\n        now, risk',
            '        if order is not None:\n            return ""\n        now, risk',
        ),
        (CHECKS, "        second < risk.orders_per_second\n", "        second < 1000\n"),
        (CHECKS, "and minute < risk.orders_per_minute", "and minute < 1000"),
    ),
    # unknown outcomes
    bug(
        "a time-out is taken for a refusal",
        (
            BROKER,
            (
                "        else:\n"
                "            self._unknown(order.client_order_id, order.symbol, word, error)\n"
                "\n"
                "    def _refused"
            ),
            (
                "        else:\n"
                "            self._refused(order, word, RefusedError(str(error), status=0))\n"
                "\n"
                "    def _refused"
            ),
        ),
    ),
    bug(
        "one lookup without an answer proves that an order is absent",
        (TIMING, "ABSENT_TIMES = 3", "ABSENT_TIMES = 1"),
        (TIMING, "ABSENT_AFTER = 60 * SECOND", "ABSENT_AFTER = 0"),
    ),
    bug(
        "an outcome that is unknown is not looked up",
        (TIMING, 'if is_in_the_air(one) and one.part.status != "sent":', "if False:"),
    ),
    bug(
        "an unknown entry may be entered beside",
        (
            STATE,
            'OPEN: frozenset[str] = LIVE | {"sent", "lost", "unknown"}',
            'OPEN: frozenset[str] = LIVE | {"sent", "unknown"}',
        ),
    ),
    bug(
        "a second try has an id of its own",
        (
            BROKER,
            (
                "                self._gate.forget(order.client_order_id)\n"
                "                self._submit(order, word)\n"
            ),
            (
                '                fresh = order.client_order_id[:-1] + "9"\n'
                "                again = msgspec.structs.replace(order, client_order_id=fresh)\n"
                "                self._submit(again, word)\n"
            ),
        ),
    ),
    bug(
        "the hidden retry of the library is on",
        ("broker/transport.py", "client._retry = 0", "client._retry = 3; client._retry_wait = 0"),
    ),
    # what the broker says
    bug(
        "an order that is over comes to life again",
        (REPORTS, "    if now in TERMINAL:\n        return False\n", ""),
    ),
    bug(
        "fills are told from each report anew",
        (FACTS, "qty = exact(part.filled_qty - part.told_qty)", "qty = exact(part.filled_qty)"),
    ),
    bug(
        "a coin's fee is not taken off what was bought",
        (
            FOLD,
            "got = exact(fill.qty - fill.fee_qty)",
            "got = fill.qty",
        ),
        (
            FACTS,
            "return ZERO, exact(_coin_fee(part.filled_qty) - _coin_fee(part.told_qty))",
            "return ZERO, ZERO",
        ),
    ),
    bug(
        "the fee of a sale is forgotten",
        (
            FACTS,
            "return exact(cents(whole * TAKER) - cents(part.told_value * TAKER)), ZERO",
            "return ZERO, ZERO",
        ),
    ),
    bug(
        "the stream is trusted: neither orders nor positions are polled",
        (
            READINGS,
            'if self._live and self._due("orders", broker.open_orders_seconds):',
            "if False:",
        ),
        (READINGS, 'if self._due("whole truth", broker.reconcile_seconds):', "if False:"),
        (READINGS, 'if self._due("positions", broker.positions_seconds):', "if False:"),
        (BROKER, "                self._readings.positions()\n", ""),
    ),
    bug(
        "the truth is read once before READY",
        (READINGS, "if error is None and not truth.agrees(before):", "if False:"),
    ),
    bug(
        "a position that is missing once is gone",
        (
            GATE,
            "return self._position(symbol) or self._position(symbol)",
            "return self._position(symbol)",
        ),
        (TIMING, "BELIEVED_AFTER = 2 * SECOND", "BELIEVED_AFTER = 0"),
    ),
    # protection
    bug(
        "a held stop leg is no protection",
        (
            STATE,
            '{"pending", "working", "held", "partially_filled", "pending_cancel"}',
            '{"pending", "working", "partially_filled", "pending_cancel"}',
        ),
    ),
    bug(
        "a stop that has ended still protects",
        (
            STATE,
            "        if part is not None and part.status in LIVE:\n            covered",
            "        if part is not None:\n            covered",
        ),
    ),
    bug(
        "held legs protect an entry that is only partly filled",
        (
            STATE,
            '    if one.leg == "entry" and one.part.status != "filled":\n        return None\n',
            "",
        ),
    ),
    bug(
        "the rest of a partly filled entry is not called back",
        (TIMING, "PARTIAL_WAIT = SECOND", "PARTIAL_WAIT = 10_000 * SECOND"),
    ),
    bug(
        "an unprotected position is flagged a minute late",
        (TIMING, "FLAG_AFTER = SECOND", "FLAG_AFTER = 60 * SECOND"),
    ),
    bug(
        "protection is placed on the wrong side",
        (
            COMMANDS,
            (
                '        side: Side = "sell" if position.side == "buy" else "buy"\n'
                "        return self._minted(position, leg, side"
            ),
            "        side: Side = position.side\n        return self._minted(position, leg, side",
        ),
    ),
    # closing
    bug(
        "a close does not wait until its legs are over",
        (
            ACTIONS,
            (
                "        elif out:\n            yield from self.make.cancel(*out)\n"
                "        elif self.now < leaving.after:"
            ),
            "        elif self.now < leaving.after:",
        ),
    ),
    bug(
        "an exit is sized from the fills, with no reading",
        (
            COMMANDS,
            (
                "qty = self.sellable() if self.coin else abs(held_by_us(self.state))\n"
                "        return self._closing(\n            position,\n            leg,"
            ),
            "qty = position.bought\n        return self._closing(\n            position,\n            leg,",
        ),
        (
            ACTIONS,
            (
                "        elif not self.state.read.fresh:\n            yield from self.make.read()\n"
                "        elif self._holds(position):\n            yield self.make.exit(position, leaving)"
            ),
            "        elif position.qty:\n            yield self.make.exit(position, leaving)",
        ),
    ),
    bug(
        "an exit may be sent again while one works",
        (
            ACTIONS,
            "        closing = [one for one in out if one.leg in CLOSING]\n        if any(",
            (
                "        closing = []\n"
                "        out = [one for one in out if one.leg not in CLOSING]\n"
                "        if any("
            ),
        ),
    ),
    bug(
        "an exit does not say that it closes",
        (
            COMMANDS,
            '"sell_to_close" if side == "sell" else "buy_to_close"\n        purpose',
            '"sell_to_open" if side == "sell" else "buy_to_open"\n        purpose',
        ),
    ),
    bug(
        "stocks are closed outside their session",
        (
            POLICY,
            "    return state.hours is not None and state.hours.is_open and not is_under_way(state)",
            "    return True",
        ),
        (CHECKS, "= (account_blocked, market_closed)", "= (account_blocked,)"),
    ),
    # what is dared
    bug(
        "an approval reserves nothing",
        (GATE, "or self._exposure.problem(order)", ""),
        (LEARN, "        reserved=keyed.put(state.reserved, approval.symbol, reserved),\n", ""),
    ),
    bug(
        "one position too many",
        (GATE, "or self._exposure.problem(order)", ""),
        (
            CHECKS,
            'return _check("MAX_POSITIONS", len(held) < most',
            'return _check("MAX_POSITIONS", len(held) <= most',
        ),
    ),
    bug(
        "exposure is not limited",
        (GATE, "or self._exposure.problem(order)", ""),
        (
            CHECKS,
            '    return _sized(case, "EXPOSURE", exposure_room(case))',
            '    return _check("EXPOSURE", True, "-", "-")',
        ),
        (CASE, '                ("EXPOSURE", exposure_room(case)),\n', ""),
    ),
    bug(
        "a loss limit stops nothing",
        (LIMITS, '    if daily_loss_pct(losses, equity) >= daily:\n        return "daily"\n', ""),
        (CHECKS, "    daily_loss,\n    drawdown,\n    equity_unsure,\n", "    drawdown,\n"),
    ),
    bug(
        "an old quote is as good as a new one",
        (CASE, "QUOTE_RECEIVED_SECONDS = 2", "QUOTE_RECEIVED_SECONDS = 1000"),
        (CASE, "QUOTE_SECONDS = 30", "QUOTE_SECONDS = 100_000"),
    ),
    bug(
        "the edges of the session do not count",
        (CHECKS, "    session_edge,\n    symbol_halted,\n", "    symbol_halted,\n"),
    ),
    bug(
        "losing trades in a row are not counted",
        (LEARN, "streak = state.losing_streak + 1 if lost else 0", "streak = 0"),
    ),
    bug(
        "entries of a day are not counted",
        (COOLDOWN, "if today and rest.entries >= risk.entries_per_symbol_and_day:", "if False:"),
    ),
    bug(
        "a stock is entered on what somebody else holds",
        (CHECKS, "    foreign,\n    quote,\n", "    quote,\n"),
        (
            TABLE,
            "    if holding is None or holding.side is None:",
            "    if holding is None or holding.side is None or not holding.own:",
        ),
        (
            "order/foreign.py",
            "    if state.foreign or state.foreign_orders or state.foreign_seen:",
            "    if False:",
        ),
        (
            "order/foreign.py",
            "    return state.doubt\n\n\ndef closing",
            '    return ""\n\n\ndef closing',
        ),
        (CHECKS, 'return _check("DUPLICATE", side is None', 'return _check("DUPLICATE", True'),
    ),
    # restart
    bug(
        "mail in flight is lost over a restart",
        (
            ENGINE,
            "            self.office.deliver(mail.address, Word(WordId(*mail.word), mail.message))",
            "            pass",
        ),
    ),
    bug(
        "a position whose stop is gone is left alone",
        (
            ACTIONS,
            "            command = self.make.protection(position)\n",
            "            command = None\n",
        ),
        (TIMING, "EXIT_AFTER = 6 * SECOND", "EXIT_AFTER = 10_000 * SECOND"),
    ),
    bug(
        "entries are made before READY",
        (CHECKS, "    not_ready,\n    broker_unreachable,\n", ""),
        (BROKER, "if order.increases and not self._readings.ready:", "if False:"),
        (GATE, "or self._exposure.problem(order)", ""),
    ),
    bug(
        "a restart forgets which fills were told",
        (
            FOLD,
            "    return unseen(replace(stale(state), asked_reconcile=0, stopping=False))",
            (
                "    for one in orders(state):\n"
                "        bare = replace(one.part, told_qty=ZERO, told_value=ZERO)\n"
                "        state = put(state, replace(one, part=bare))\n"
                "    return unseen(replace(stale(state), asked_reconcile=0, stopping=False))"
            ),
        ),
    ),
    bug(
        "a restart forgets that all was to be closed",
        (
            FOLD,
            "    return unseen(replace(stale(state), asked_reconcile=0, stopping=False))",
            (
                '    state = replace(state, operator="normal", exit=None, breached=False)\n'
                "    return unseen(replace(stale(state), asked_reconcile=0, stopping=False))"
            ),
        ),
    ),
    bug(
        "a restart forgets that a loss limit has tripped",
        (
            LEARN,
            "                state, ready_at=None, stream_up=False, stopping=False, awaiting=(), gathered=()",
            (
                "                replace(state, losses=replace(state.losses, tripped='')),\n"
                "                ready_at=None,\n"
                "                stream_up=False,\n"
                "                stopping=False,\n"
                "                awaiting=(),\n"
                "                gathered=(),"
            ),
        ),
    ),
    bug(
        "protection and exits of a position all bear one number",
        (FOLD, "number=position.number + 1", "number=position.number"),
    ),
    bug(
        "an actor that died on a fact goes on as if it had heard it",
        (
            FOLD,
            'return replace(state, frozen=f"crashed: {message.error}"[:200], asked_reconcile=0)',
            "return state",
        ),
    ),
    bug(
        "the broker's truth is read and not believed",
        (
            FOLD,
            "return reconciled(symbol, tag, noticed(state, message.position), message)",
            'return replace(state, frozen="")',
        ),
    ),
    bug(
        "a second signal enters beside a position",
        (
            TABLE,
            '        return "DUPLICATE"',
            '        return "open_long" if long else "open_short"',
        ),
        (CHECKS, 'return _check("DUPLICATE", side is None', 'return _check("DUPLICATE", True'),
        (
            CHECKS,
            'return _check("POSITION_SIZE", whole <= most',
            'return _check("POSITION_SIZE", True',
        ),
        (
            FOLD,
            "busy = state.position is not None or any(is_open(one) for one in orders(state))",
            "busy = False",
        ),
        (GATE, "or self._exposure.problem(order)", ""),
    ),
    bug(
        "an order's state that is not known is taken for its end",
        (
            WIRE,
            'type=_type(found),\n        status=STATUS.get(str(found.get("status")), "unknown"),',
            'type=_type(found),\n        status=STATUS.get(str(found.get("status")), "canceled"),',
        ),
    ),
    bug(
        "legs are not looked at",
        (
            REPORTS,
            "    for leg in message.legs:\n        legs = keyed",
            "    for leg in ():\n        legs = keyed",
        ),
    ),
    bug(
        "every call is free",
        (
            "broker/limiter.py",
            "if now < self._closed_until or self._tokens < min(least, self._most):",
            "if False:",
        ),
    ),
    bug(
        "another daemon's orders are not minded",
        (CHECKS, "    frozen,\n    foreign,\n", "    foreign,\n"),
        (FOLD, "or busy or state.frozen:", "or busy:"),
    ),
    bug(
        "entries are made while no stream tells of their fills",
        (CHECKS, "    broker_unreachable,\n", ""),
    ),
    bug(
        "a fill that comes after its order's end does not count",
        (
            REPORTS,
            "    if filled_qty > part.filled_qty:",
            "    if filled_qty > part.filled_qty and part.status not in TERMINAL:",
        ),
    ),
    bug(
        "a leg that closes is told with its entry's time",
        (FACTS, ' if part is one.part and one.leg == "entry" else part.filled_at', ""),
    ),
    bug(
        "a signal lives as long again in each hand",
        (
            "risk/decider.py",
            "        expires_at=told.signal.expires_at,\n        reasoning=told",
            "        expires_at=told.signal.expires_at + 30_000_000_000,\n        reasoning=told",
        ),
    ),
    bug(
        "only the first page of orders is read",
        ("broker/transport.py", "PAGE = 500", "PAGE = 2"),
        (
            "broker/transport.py",
            "            if not page or len(page) < self._longest:",
            "            if page is not None:",
        ),
    ),
    bug(
        "a cancel that was not answered was carried out",
        (
            BROKER,
            "                self._lookup(command.client_order_id, command.symbol, word)",
            (
                "                self._port.say(\n"
                "                    OrderAbsent(\n"
                "                        client_order_id=command.client_order_id,\n"
                "                        symbol=command.symbol,\n"
                "                        listed=True,\n"
                "                        because=(word,),\n"
                "                    )\n"
                "                )"
            ),
        ),
        (
            REPORTS,
            'one.part.status in ("sent", "lost")):\n        return state\n    read_at =',
            "True):\n        return state\n    read_at =",
        ),
        (TIMING, "ABSENT_TIMES = 3", "ABSENT_TIMES = 1"),
        (TIMING, "ABSENT_AFTER = 60 * SECOND", "ABSENT_AFTER = 0"),
    ),
    bug(
        "a fee that a coin's buyer paid in coins is taken off in dollars too",
        (FACTS, "earned - position.charged", "earned - position.fees"),
    ),
)
