from events import Text, Words, count

from soma import PlatformContext, TaskContext, Worker

counter = Worker("counter", "Counts the words of one text.")


@counter.on_task(count)
async def handle(task: TaskContext[Text], context: PlatformContext) -> None:
    words = task.data.text.split()
    if words:
        task.complete(Words(len(words)))
    else:
        task.fail({"code": "nothing-to-count", "detail": "the text has no words"})


if __name__ == "__main__":
    counter.run()
