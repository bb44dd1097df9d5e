"""Server-sent events."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field

_LINE_END = re.compile("\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class SseMessage:
    event: str
    data: str
    id: str | None = None


@dataclass(slots=True)
class SseParser:
    """Reads `text/event-stream` in chunks cut anywhere, as the HTML standard says: lines end in CR, LF or CRLF, several
    `data` lines join with LF; comments and a leading BOM are skipped."""

    _decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace")
    )
    _rest: str = ""
    _is_first: bool = True
    _last_was_cr: bool = False
    _data: list[str] = field(default_factory=list)
    _event: str = ""
    _id: str | None = None

    def feed(self, chunk: bytes) -> list[SseMessage]:
        """The messages that are whole with this chunk."""
        text = self._decoder.decode(chunk)
        if text == "":
            return []
        ends_in_cr = text.endswith("\r")
        if self._last_was_cr:
            text = text.removeprefix("\n")
        self._last_was_cr = ends_in_cr
        if self._is_first:
            text = text.removeprefix("\ufeff")
            self._is_first = False
        *lines, self._rest = _LINE_END.split(self._rest + text)
        return [message for message in map(self._take, lines) if message is not None]

    def _take(self, line: str) -> SseMessage | None:
        if line == "":
            return self._dispatch()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._id = value
        return None

    def _dispatch(self) -> SseMessage | None:
        data, event = self._data, self._event
        self._data, self._event = [], ""
        return SseMessage(event or "message", "\n".join(data), self._id) if data else None
