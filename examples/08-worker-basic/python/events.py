from dataclasses import dataclass

from soma import EventDefinition


@dataclass
class Text:
    text: str


@dataclass
class Words:
    words: int


@dataclass
class Texts:
    texts: list[str]


@dataclass
class Survey:
    words: list[int]


counted = EventDefinition("count.completed", "action-results", "How many words a text has.", Words)
count = EventDefinition("count.requested", "action-requests", "Asks how many words a text has.", Text, response=counted)
surveyed = EventDefinition("survey.completed", "action-results", "The words of each text, in the order asked.", Survey)
survey = EventDefinition(
    "survey.requested",
    "action-requests",
    "Asks how many words each of several texts has.",
    Texts,
    response=surveyed,
)
