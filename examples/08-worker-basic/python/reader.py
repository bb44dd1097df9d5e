from events import Survey, Text, Texts, Words, count, counted, survey

from soma import PlatformContext, ResultContext, Spec, TaskContext, Worker

reader = Worker("reader", "Has several texts counted at the same time.")


# The handler ends here: the task is saved, and this process may die until the answers come.
@reader.on_task(survey)
async def begin(task: TaskContext[Texts], context: PlatformContext) -> None:
    task.delegate_parallel([Spec(count, Text(text)) for text in task.data.texts])


# Of the results of a group one sees that all are there, whichever replica it comes to.
@reader.on_result(counted)
async def end(result: ResultContext[Words], context: PlatformContext) -> None:
    task = await result.restore_task()
    if task is None or result.group is None or not result.group.done:
        return
    if result.group.problems:
        task.fail(result.group.problems[0])
    else:
        task.complete(Survey([one["words"] for one in result.group.results]))


if __name__ == "__main__":
    reader.run()
