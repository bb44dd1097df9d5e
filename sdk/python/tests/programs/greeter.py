"""A worker that hangs in its handler when it is told to, so that it can be killed between hand-out and settle."""

import asyncio
import os
from dataclasses import dataclass

from soma import EventDefinition, PlatformContext, TaskContext, Worker


@dataclass
class Greeting:
    text: str
    attempt: int


@dataclass
class Person:
    name: str


greeted = EventDefinition("greeting.completed", "action-results", "A greeting.", Greeting)
greet = EventDefinition("greeting.requested", "action-requests", "Asks for a greeting.", Person, response=greeted)
worker = Worker(os.environ.get("NAME", "greeter"), "Greets.", member_grace_ms=0, backoff={"baseMs": 1})


@worker.on_task(greet)
async def handle(task: TaskContext[Person], context: PlatformContext) -> None:
    task.complete(Greeting(f"Hello {task.data.name}", await task.once("attempt", lambda: task.attempt)))
    if "HANG" in os.environ:
        print("in hand", flush=True)
        await asyncio.sleep(3600)


if __name__ == "__main__":
    worker.run()
