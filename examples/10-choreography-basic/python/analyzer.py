from typing import Any

from soma import EventDefinition, PlatformContext, TaskContext, Worker

# A JSON Schema, because a dataclass cannot say how many figures a trend needs.
figures = {
    "type": "object",
    "properties": {"sales": {"type": "array", "items": {"type": "number"}, "minItems": 2}},
    "required": ["sales"],
}
found = {
    "type": "object",
    "properties": {"trend": {"type": "string", "enum": ["up", "down", "flat"]}, "percent": {"type": "number"}},
    "required": ["trend", "percent"],
}
analyzed = EventDefinition("trend.completed", "action-results", "The trend and the change in percent.", found)
analysis = EventDefinition(
    "trend.requested", "action-requests", "Says which way sales figures go.", figures, response=analyzed
)
analyzer = Worker("analyzer", "Finds trends in figures.")


@analyzer.on_task(analysis)
async def analyze(task: TaskContext[Any], context: PlatformContext) -> None:
    first, last = task.data["sales"][0], task.data["sales"][-1]
    trend = "up" if last > first else "down" if last < first else "flat"
    task.complete({"trend": trend, "percent": round(100 * (last - first) / first)})


if __name__ == "__main__":
    analyzer.run()
