"""Publishes events in every content mode of the CloudEvents SDK for Python and prints what the SDK reads back. Input and output: see programs.ts."""

import json
import sys
from http.client import HTTPConnection
from urllib.parse import quote, urlsplit

from cloudevents.core.bindings.http import HTTPMessage, from_http, to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

server = sys.argv[1]
json_format = JSONFormat()


def named(sent, mode):
    attributes = dict(sent.get_attributes())
    return CloudEvent({**attributes, "id": f"{attributes['id']}-{mode}"}, sent.get_data())


def ask(method, path, message=HTTPMessage({}, b"")):
    connection = HTTPConnection(urlsplit(server).netloc)
    connection.request(method, path, message.body or None, message.headers)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status >= 300:
        sys.exit(f"{message.headers} {answer.status} {body.decode()}")
    return body


def stored(sent):
    path = f"/v1/events/{quote(sent.get_id(), safe='')}?source={quote(sent.get_source(), safe='')}"
    headers = {"content-type": "application/cloudevents+json"}
    return from_http(HTTPMessage(headers, ask("GET", path)), json_format, CloudEvent)


everything = [json_format.read(CloudEvent, json.dumps(sent)) for sent in json.load(sys.stdin)]
batch = []
for event in everything:
    ask("POST", "/v1/events", to_structured(named(event, "structured"), json_format))
    ask("POST", "/v1/events", to_binary(named(event, "binary"), json_format))
    batch.append(to_structured(named(event, "batch"), json_format).body)
ask(
    "POST",
    "/v1/events/batch",
    HTTPMessage({"content-type": "application/cloudevents-batch+json"}, b"[" + b",".join(batch) + b"]"),
)
for event in everything:
    for mode in ("structured", "binary", "batch"):
        print(json_format.write(stored(named(event, mode))).decode())
