"""The one error of the platform: RFC 9457 problems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_HEAD: Final = ("type", "code", "title", "status", "detail", "remedy", "retryable")


class Problem(Exception):
    """What went wrong, with what to do about it. Every call of a client and every refusal of the SDK raises it."""

    def __init__(
        self,
        *,
        code: str,
        status: int,
        detail: str,
        title: str = "",
        remedy: str = "",
        retryable: bool = False,
        extensions: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.status = status
        self.title = title
        self.detail = detail
        self.remedy = remedy
        # Whether the same request may succeed later without a change.
        self.retryable = retryable
        # Further members of the document: `errors` by field, `traceId`, `version` and the like.
        self.extensions: Mapping[str, Any] = dict(extensions or {})

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


@dataclass(frozen=True, slots=True)
class ProblemDefinition:
    """One kind of problem; `create` makes the error."""

    code: str
    status: int
    title: str
    remedy: str
    retryable: bool

    def create(self, detail: str, **extensions: Any) -> Problem:
        return Problem(
            code=self.code,
            status=self.status,
            title=self.title,
            remedy=self.remedy,
            retryable=self.retryable,
            detail=detail,
            extensions=extensions,
        )


def problem_of_document(document: Mapping[str, Any]) -> Problem:
    """A problem that came from a server."""
    return Problem(
        code=str(document["code"]),
        status=int(document.get("status", 500)),
        title=str(document.get("title", "")),
        detail=str(document.get("detail", "")),
        remedy=str(document.get("remedy", "")),
        retryable=document.get("retryable") is True,
        extensions={name: value for name, value in document.items() if name not in _HEAD},
    )


def problem_summary(error: BaseException) -> dict[str, Any]:
    """The part of a problem that is stored in results and attempts; any other error is `internal`."""
    if not isinstance(error, Problem):
        return {"code": "internal", "detail": str(error), "status": 500, "retryable": True}
    summary: dict[str, Any] = {
        "code": error.code,
        "detail": error.detail,
        "status": error.status,
        "retryable": error.retryable,
    }
    if "errors" in error.extensions:
        summary["errors"] = error.extensions["errors"]
    return summary


UNAVAILABLE: Final = ProblemDefinition(
    "unavailable", 503, "The platform does not answer", "Look whether it runs at that URL; try again later.", True
)
TIMEOUT: Final = ProblemDefinition("timeout", 504, "No answer in time", "Try again later.", True)
