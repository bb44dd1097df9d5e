from typing import Any

from soma import EventDefinition, PlatformContext, TaskContext, Worker

trend = {
    "type": "object",
    "properties": {
        "product": {"type": "string"},
        "trend": {"type": "string", "enum": ["up", "down", "flat"]},
        "percent": {"type": "number"},
    },
    "required": ["product", "trend", "percent"],
}
sentence = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}
written = EventDefinition("summary.completed", "action-results", "The sentence.", sentence)
writing = EventDefinition(
    "summary.requested",
    "action-requests",
    "Writes one sentence about the trend of a product.",
    trend,
    response=written,
)
reporter = Worker("reporter", "Writes about trends.")


@reporter.on_task(writing)
async def write(task: TaskContext[Any], context: PlatformContext) -> None:
    product, direction, percent = task.data["product"], task.data["trend"], task.data["percent"]
    change = "stand still" if direction == "flat" else f"go {direction} by {abs(percent):g} %"
    task.complete({"text": f"Sales of {product} {change}."})


if __name__ == "__main__":
    reporter.run()
