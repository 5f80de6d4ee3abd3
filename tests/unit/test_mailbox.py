"""Mail waits in order, control goes first, of `latest` words the newest of a key remains."""

import queue
import threading
import time

from hypothesis import given
from hypothesis import strategies as st

from argo_actors.messages import WordId
from argo_actors.messages.market import Decide, Figures, Quote, QuoteSeen
from argo_actors.messages.routes import MailClass
from argo_actors.runtime.clock import SetClock
from argo_actors.runtime.mailbox import Mailbox, Word
from argo_actors.runtime.office import Office


def word(n: int) -> Word:
    return Word(WordId(n, 0), Decide(n=n))


def taken(mailbox: Mailbox) -> list[int]:
    found = []
    while (item := mailbox.take()) is not None:
        found.append(item.id.seq)
    return found


class Listed:
    """A log that only counts."""

    next_seq = 1

    def append(self, *_: object) -> int:
        self.next_seq += 1
        return self.next_seq - 1


def test_kept_words_wait_in_order() -> None:
    mailbox = Mailbox("risk")
    for n in range(5):
        assert mailbox.post(word(n))
    assert taken(mailbox) == [0, 1, 2, 3, 4]
    assert mailbox.take() is None


def test_control_goes_first_and_in_order() -> None:
    mailbox = Mailbox()
    mailbox.post(word(1))
    mailbox.post(word(2), MailClass.CONTROL)
    mailbox.post(word(3), MailClass.CONTROL)
    assert taken(mailbox) == [2, 3, 1]


def test_the_newest_word_of_a_key_takes_the_place_of_the_older() -> None:
    mailbox = Mailbox()
    assert mailbox.post(word(1), MailClass.LATEST, "AAPL")
    mailbox.post(word(2))
    assert not mailbox.post(word(3), MailClass.LATEST, "AAPL")
    assert mailbox.post(word(4), MailClass.LATEST, "SPY")
    assert mailbox.superseded == 1
    assert len(mailbox) == 3
    assert taken(mailbox) == [3, 2, 4]


def test_a_key_that_was_taken_waits_anew() -> None:
    mailbox = Mailbox()
    mailbox.post(word(1), MailClass.LATEST, "AAPL")
    assert taken(mailbox) == [1]
    assert mailbox.post(word(2), MailClass.LATEST, "AAPL")
    assert taken(mailbox) == [2]
    assert mailbox.superseded == 0


def test_the_bell_rings_once_for_each_word_that_waits() -> None:
    rung: list[Mailbox] = []
    mailbox = Mailbox()
    mailbox.bell = rung.append
    mailbox.post(word(1))
    mailbox.post(word(2), MailClass.CONTROL)
    mailbox.post(word(3), MailClass.LATEST, "AAPL")
    mailbox.post(word(4), MailClass.LATEST, "AAPL")
    assert rung == [mailbox] * 3


def test_held_mail_stays_where_it_is() -> None:
    mailbox = Mailbox()
    mailbox.held = True
    mailbox.post(word(1))
    mailbox.post(word(2), MailClass.CONTROL)
    assert mailbox.take() is None
    assert len(mailbox) == 2
    mailbox.held = False
    assert taken(mailbox) == [2, 1]


def test_what_is_no_word_is_no_mail_in_flight() -> None:
    mailbox = Mailbox()
    mailbox.post("a notice")
    mailbox.post(word(1))
    assert mailbox.waiting() == (word(1),)


@given(
    st.lists(st.tuples(st.sampled_from(list(MailClass)), st.sampled_from(["a", "b"])), max_size=40)
)
def test_what_waits_is_told_in_the_order_in_which_it_is_taken(
    posts: list[tuple[MailClass, str]],
) -> None:
    mailbox = Mailbox()
    for n, (mail, key) in enumerate(posts):
        mailbox.post(word(n), mail, key)
    told = [one.id.seq for one in mailbox.waiting()]
    assert len(told) == len(mailbox) == len(posts) - mailbox.superseded
    assert taken(mailbox) == told
    assert mailbox.empty()


def test_nothing_is_lost_between_threads() -> None:
    mailbox = Mailbox()
    bell: queue.SimpleQueue[Mailbox] = queue.SimpleQueue()
    mailbox.bell = bell.put
    each, posters = 2000, 4

    def post(poster: int) -> None:
        for n in range(each):
            mailbox.post(word(poster * each + n))

    threads = [threading.Thread(target=post, args=(poster,)) for poster in range(posters)]
    for thread in threads:
        thread.start()
    found = [bell.get(timeout=5).take().id.seq for _ in range(each * posters)]
    for thread in threads:
        thread.join(5)
    assert sorted(found) == list(range(each * posters))
    for poster in range(posters):
        mine = [n for n in found if n // each == poster]
        assert mine == sorted(mine)


def test_posting_never_waits_however_full_it_is() -> None:
    mailbox = Mailbox()
    begun = time.monotonic()
    for n in range(100_000):
        mailbox.post(word(n))
    assert len(mailbox) == 100_000
    assert time.monotonic() - begun < 5


def test_a_latest_word_replaces_only_words_of_its_own_type() -> None:
    office = Office(Listed(), SetClock(1))
    mailbox = Mailbox()
    office.register("risk", mailbox, None)
    figures = Figures(
        symbol="AAPL", regime="BULL", atr_pct=1.0, bars=252, timeframe="1Day", as_of=1
    )
    quote = Quote(symbol="AAPL", bid=1.0, ask=2.0, at=1, received_at=1)
    office.record("source/alpaca", (figures,))
    office.record("quotes", (QuoteSeen(quote=quote),))
    assert [one.message for one in mailbox.waiting()] == [figures, QuoteSeen(quote=quote)]
