"""How calls reach the platform: HTTP and server-sent events."""

from __future__ import annotations

import inspect
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, NotRequired, TypedDict, TypeVar, cast
from urllib.parse import quote, urlencode

from soma.clients.sse import SseParser
from soma.problem import TIMEOUT, UNAVAILABLE, Problem, problem_of_document

if TYPE_CHECKING:
    import httpx

DEFAULT_URL: Final = "http://127.0.0.1:4000"
# Just above the longest operation of the platform.
_TIMEOUT_S: Final = 60.0
# A stream says something more often than that, if it is alive.
_SILENCE_S: Final = 300.0

TokenProvider = str | Callable[[], str | Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Request:
    """One call of an operation. Query members and headers that are None are left out."""

    method: str
    path: str
    query: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, object] = field(default_factory=dict)
    body: object = None


GapData = TypedDict(
    "GapData", {"topic": NotRequired[str], "from": str, "to": str, "lost": NotRequired[int], "reason": str}
)


class DrainData(TypedDict):
    cursor: NotRequired[str]
    retryAfterMs: int


class ClosedData(TypedDict):
    reason: str


class GapFrame(TypedDict):
    event: Literal["gap"]
    data: GapData
    id: NotRequired[str]


class DrainFrame(TypedDict):
    event: Literal["drain"]
    data: DrainData
    id: NotRequired[str]


class ClosedFrame(TypedDict):
    event: Literal["closed"]
    data: ClosedData
    id: NotRequired[str]


ControlFrame = GapFrame | DrainFrame | ClosedFrame


def in_path(value: str) -> str:
    """A value as one segment of a path."""
    return quote(value, safe="!'()*")


class Connection:
    """Proves one caller to one platform; shared by all its clients. Close it with `aclose`."""

    def __init__(
        self,
        *,
        url: str | None = None,
        api_key: str | None = None,
        token: TokenProvider | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.url = (url or DEFAULT_URL).rstrip("/")
        self._api_key = api_key
        self._token = token
        self._headers = {name.lower(): value for name, value in (headers or {}).items()}
        self._client: httpx.AsyncClient | None = None

    def transport(self, *, delivery_id: str | None = None, traceparent: str | None = None) -> Transport:
        """Calls made through it act in the name of a delivery: for its user, session, plan and task."""
        return Transport(self, {"soma-delivery": delivery_id, "traceparent": traceparent})

    async def headers(self) -> dict[str, str]:
        bearer = self._api_key if self._api_key is not None else await self._bearer()
        return self._headers if bearer is None else {**self._headers, "authorization": f"Bearer {bearer}"}

    async def _bearer(self) -> str | None:
        if not callable(self._token):
            return self._token
        token = self._token()
        return await token if inspect.isawaitable(token) else token

    @property
    def client(self) -> httpx.AsyncClient:
        if self._client is None:
            import httpx

            # Nothing is read from the machine's proxies and .netrc: only the given URL is called.
            self._client = httpx.AsyncClient(
                trust_env=False,
                timeout=httpx.Timeout(_TIMEOUT_S, connect=10.0),
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=20, keepalive_expiry=4.0),
            )
        return self._client

    async def aclose(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()


class Transport:
    """Calls operations. Problem documents become `Problem`; no connection is `unavailable`, no answer is `timeout`."""

    def __init__(self, connection: Connection, name: Mapping[str, str | None]) -> None:
        self._connection = connection
        self._name = name

    async def call(self, request: Request) -> Any:
        response = await self._send(request, accept="application/json", read_s=_TIMEOUT_S)
        try:
            text = await self._read(response)
        finally:
            await response.aclose()
        if not response.is_success:
            raise _problem_of(response, text)
        return None if response.status_code == 204 else json.loads(text)

    async def open(self, request: Request) -> httpx.Response:
        """A response whose body is read as it comes."""
        response = await self._send(request, accept="text/event-stream", read_s=_SILENCE_S)
        if response.is_success:
            return response
        try:
            text = await self._read(response)
        finally:
            await response.aclose()
        raise _problem_of(response, text)

    async def _read(self, response: httpx.Response) -> str:
        import httpx

        try:
            return (await response.aread()).decode()
        except httpx.TimeoutException as error:
            raise TIMEOUT.create(f"no answer from {response.url}") from error
        except httpx.TransportError as error:
            raise UNAVAILABLE.create(f"{self._connection.url} broke its answer off") from error

    async def _send(self, request: Request, *, accept: str, read_s: float) -> httpx.Response:
        import httpx

        body = None if request.body is None else json.dumps(request.body, allow_nan=False).encode()
        named = {name: value for name, value in self._name.items() if value is not None}
        headers = {**await self._connection.headers(), **named, "accept": accept, **_headers_of(request.headers)}
        if body is not None:
            headers["content-type"] = "application/json"
        client = self._connection.client
        made = client.build_request(
            request.method,
            self._connection.url + request.path,
            params=urlencode(_query_of(request.query)),
            headers=headers,
            content=body,
            timeout=httpx.Timeout(read_s, connect=10.0),
        )
        try:
            return await client.send(made, stream=True)
        except httpx.TimeoutException as error:
            raise TIMEOUT.create(f"no answer from {made.url}") from error
        except httpx.TransportError as error:
            raise UNAVAILABLE.create(f"no connection to {self._connection.url}") from error


def _headers_of(given: Mapping[str, object]) -> dict[str, str]:
    return {
        name: f'"{value}"' if name == "if-match" else str(value) for name, value in given.items() if value is not None
    }


def _query_of(query: Mapping[str, object]) -> list[tuple[str, str]]:
    return [
        (name, _query_text(item))
        for name, value in query.items()
        if value is not None
        for item in (value if isinstance(value, list) else [value])
    ]


def _query_text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _problem_of(response: httpx.Response, text: str) -> Problem:
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if isinstance(document, dict) and isinstance(document.get("code"), str):
        return problem_of_document(document)
    return UNAVAILABLE.create(f"{response.url} answered {response.status_code} without a problem document")


Frame = TypeVar("Frame")


class Frames(Generic[Frame]):
    """The frames of an open stream. It ends with its connection; resuming (`last_event_id`) is the caller's."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[Frame]:
        import httpx

        parser = SseParser()
        try:
            async for chunk in self._response.aiter_bytes():
                for message in parser.feed(chunk):
                    frame = {"event": message.event, "data": json.loads(message.data)}
                    yield cast(Frame, frame if message.id is None else {**frame, "id": message.id})
        except httpx.TransportError as error:
            raise UNAVAILABLE.create(f"the stream {self._response.url} broke") from error
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        await self._response.aclose()

    async def __aenter__(self) -> Frames[Frame]:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.aclose()
