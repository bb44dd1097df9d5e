from events import Draft, Text, Topic, drafting, shortening

from soma import PlatformContext, TaskContext, Worker

writer = Worker("writer", "Writes texts and makes them shorter.")


def counted(text: str) -> Draft:
    return Draft(text, len(text.split(" ")))


@writer.on_task(drafting)
async def draft(task: TaskContext[Topic], context: PlatformContext) -> None:
    task.complete(counted(f"All about {task.data.topic}"))


@writer.on_task(shortening)
async def shorten(task: TaskContext[Text], context: PlatformContext) -> None:
    if task.data.text.startswith("All about "):
        task.complete(counted(task.data.text.removeprefix("All about ")))
    else:
        task.fail({"code": "nothing-to-cut", "detail": "it is short already"})


if __name__ == "__main__":
    writer.run()
