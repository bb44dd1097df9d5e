from events import Box, Harvest, Harvested, Packed, harvest, packed, packing

from soma import GoalContext, Planner, PlatformContext, ResultContext, Spec

foreman = Planner("foreman", "Has a harvest packed and adds up what is in the boxes.")


@foreman.on_goal(harvest)
async def begin(goal: GoalContext[Harvest], context: PlatformContext) -> None:
    plan = await context.plans.create_from_goal(goal, title="A harvest")
    plan.delegate_parallel([Spec(packing, Box(box, apples)) for box, apples in goal.data.boxes.items()])


@foreman.on_result(packed)
async def end(result: ResultContext[Packed], context: PlatformContext) -> None:
    plan = await result.restore_plan()
    if plan is None or result.group is None or not result.group.done:
        return
    apples = await plan.shared.get("apples") or 0
    boxes = await plan.shared.get("boxes") or []
    plan.finalize(Harvested(apples, sorted(boxes), plan.plan_id))


if __name__ == "__main__":
    foreman.run()
