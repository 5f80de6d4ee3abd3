"""Every sentence an actor can say: data only, one module a subject, and the table of who hears what."""

from .base import Command, Fact, Message, Value, WordId

__all__ = ["Command", "Fact", "Message", "Value", "WordId"]
