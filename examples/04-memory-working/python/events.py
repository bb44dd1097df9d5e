from dataclasses import dataclass

from soma import EventDefinition


@dataclass
class Box:
    box: str
    apples: int


@dataclass
class Packed:
    box: str


@dataclass
class Harvest:
    boxes: dict[str, int]


@dataclass
class Harvested:
    apples: int
    boxes: list[str]
    planId: str  # noqa: N815 -- a member of the wire


packed = EventDefinition("packing.completed", "action-results", "A box is packed.", Packed)
packing = EventDefinition("packing.requested", "action-requests", "Asks to pack one box.", Box, response=packed)
harvested = EventDefinition("harvest.completed", "action-results", "All boxes are packed.", Harvested)
harvest = EventDefinition(
    "harvest.requested",
    "action-requests",
    "Asks to pack a harvest of apples into boxes.",
    Harvest,
    response=harvested,
)
