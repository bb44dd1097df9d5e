from typing import Any

from soma import EventDefinition, PlatformContext, TaskContext, Worker

person = {"type": "object", "properties": {"name": {"type": "string", "minLength": 1}}, "required": ["name"]}
greeting = {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]}

greeted = EventDefinition("greeting.completed", "action-results", "A greeting.", greeting)
greet = EventDefinition("greeting.requested", "action-requests", "Asks for a greeting.", person, response=greeted)
greeter = Worker("greeter", "Greets whoever is named.")


@greeter.on_task(greet)
async def handle(task: TaskContext[Any], context: PlatformContext) -> None:
    task.complete({"text": f"Hello {task.data['name']}"})


if __name__ == "__main__":
    greeter.run()
