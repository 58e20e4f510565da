"""Errors of remote calls: how they are described, carried over and raised again."""

from __future__ import annotations

import traceback
from typing import Any

from distob.errors import RemoteError


class RemoteTraceback(Exception):
    """The traceback of the engine, as text: the __cause__ of an error that a remote call raised."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f'\n"""\n{self.text}"""'


def encode(error: BaseException, label: str, engine: int) -> tuple[str, str, str, str, int]:
    """Plain data that describe `error`: type, text, traceback, the call that failed, the engine."""
    text = "".join(traceback.format_exception(error))
    try:
        message = str(error)
    except Exception:
        message = "(its text cannot be made)"
    return type(error).__qualname__, message, text, label, engine


def decode(error: BaseException | None, description: tuple[str, str, str, str, int]) -> BaseException:
    """The error to raise: the remote one with its traceback attached, or RemoteError with its text."""
    kind, message, text, label, engine = description
    if not isinstance(error, BaseException):
        error = RemoteError(f"{kind}: {message}")
    error.__cause__ = RemoteTraceback(text)
    where = f"raised on engine {engine}" + (f" in {label}" if label else "")
    if where not in getattr(error, "__notes__", ()):
        error.add_note(where)
    return error


def raise_together(message: str, errors: list[BaseException]) -> None:
    """Raises one error as it is, several as an ExceptionGroup, none not at all."""
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise BaseExceptionGroup(message, errors)


def unwrap(value: Any) -> Any:
    """`value`, or raises it if it is an error carried as a value."""
    if isinstance(value, BaseException):
        raise value
    return value
