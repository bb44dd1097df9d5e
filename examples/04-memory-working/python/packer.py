from events import Box, Packed, packing

from soma import PlatformContext, TaskContext, Worker

packer = Worker("packer", "Packs boxes and says what it packed in the memory of the plan.")


# However many packers do so at once, each apple counts: the server adds, nobody reads and writes back.
@packer.on_task(packing)
async def pack(task: TaskContext[Box], context: PlatformContext) -> None:
    await context.memory.working.increment("apples", task.data.apples)
    await context.memory.working.append("boxes", task.data.box)
    task.complete(Packed(task.data.box))


if __name__ == "__main__":
    packer.run()
