from dataclasses import dataclass

from soma import EventDefinition


@dataclass
class Topic:
    topic: str


@dataclass
class Text:
    text: str


@dataclass
class Draft:
    text: str
    words: int


drafted = EventDefinition("draft.completed", "action-results", "A text about a topic.", Draft)
drafting = EventDefinition(
    "draft.requested", "action-requests", "Asks for a text about a topic.", Topic, response=drafted
)
shortened = EventDefinition("shortening.completed", "action-results", "A shorter text.", Draft)
shortening = EventDefinition(
    "shortening.requested", "action-requests", "Asks for a shorter text.", Text, response=shortened
)
written = EventDefinition("article.completed", "action-results", "An article.", Draft)
article = EventDefinition(
    "article.requested", "action-requests", "Asks for an article of at most five words.", Topic, response=written
)
