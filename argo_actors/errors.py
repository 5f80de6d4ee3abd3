"""Who must act: the exception tree.

ArgoError                    says what happened, where, and (`fix`) what the user can do
├── ConfigError              the operator mends the configuration before start
├── UsageError               the command line asks for something that cannot be done
├── DaemonError              the daemon does not run, or cannot be reached
│   └── HeldError            another one holds the account
├── JournalError             nothing can be proved any more: no new risk until it is understood
│   └── ChainError           the chain of the journal is broken
├── ProviderError            a source cannot answer
│   ├── TransientProviderError   it may answer later: backoff
│   ├── PermanentProviderError   it will not before somebody acts: parked as disabled
│   └── SoftProviderError        it answered, and there is nothing to use in it
└── BrokerError              an answer of the broker
    ├── RefusedError         the broker decided: nothing was done
    ├── NotSentError         it cannot have reached the broker
    │   └── RateLimitedError 429: later
    ├── AuthError            the keys are not accepted
    └── UnknownOutcomeError  nobody knows whether it was done: look it up, never guess
"""


class ArgoError(Exception):
    """What happened; `fix` is what the user can do about it."""

    exit_code = 1

    def __init__(self, what: str, *, fix: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.fix = fix


class ConfigError(ArgoError):
    """The configuration cannot be used."""

    exit_code = 3


class UsageError(ArgoError):
    """The command line asks for something that cannot be done."""

    exit_code = 2


class DaemonError(ArgoError):
    """The daemon does not run, or cannot be reached."""

    exit_code = 4


class HeldError(DaemonError):
    """Another daemon holds the account or its state."""


class JournalError(ArgoError):
    """The journal cannot be read or written."""


class ChainError(JournalError):
    """The chain of the journal is broken: a block is missing, changed or misplaced."""


class ProviderError(ArgoError):
    """A data source gave no usable answer."""


class TransientProviderError(ProviderError):
    """Later may be better; `retry_after` is the provider's own wish, in seconds.

    `quota`: the plan was used up and nothing was served, so that another try costs nothing.
    """

    def __init__(
        self, what: str, *, fix: str = "", retry_after: float | None = None, quota: bool = False
    ) -> None:
        super().__init__(what, fix=fix)
        self.retry_after = retry_after
        self.quota = quota


class PermanentProviderError(ProviderError):
    """No retry will cure it: a bad key, no plan, no money."""


class SoftProviderError(ProviderError):
    """An answer without an opinion in it: too few bars, a closed market."""


class BrokerError(ArgoError):
    """The broker's answer to a request."""


class RefusedError(BrokerError):
    """The broker decided against the request; nothing was done."""

    def __init__(self, what: str, *, status: int, code: int = 0, body: str = "") -> None:
        super().__init__(what)
        self.status = status
        self.code = code
        self.body = body


class NotSentError(BrokerError):
    """The request cannot have reached the broker (refused connection, DNS, TLS)."""


class UnknownOutcomeError(BrokerError):
    """A timeout, a 5xx or a broken answer: the request may have been carried out."""


class RateLimitedError(NotSentError):
    """429: not executed; `reset_at` is the broker's own time (epoch seconds), 0 when it gives none."""

    def __init__(self, what: str, reset_at: float) -> None:
        super().__init__(what)
        self.reset_at = reset_at


class AuthError(BrokerError):
    """The broker does not accept the keys: no retry will cure it."""
