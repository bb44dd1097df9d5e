from events import Topic, article, drafted, drafting, shortened, shortening

from soma import Action, GoalContext, PlanContext, Planner, PlatformContext, State, Transition, TransitionContext

# Plain data, checked as it is defined: a state that nothing leads to, or a path that is not there, is an error here.
publisher = Planner(
    "publisher",
    "Has an article written, and shortened until it fits.",
    state_machine={
        "drafting": State(
            action=Action(drafting, {"topic": "{{goal.data.topic}}"}),
            transitions=[
                Transition(drafted, "done", when="results.draft.completed.words <= 5"),
                Transition(drafted, "shortening"),
            ],
        ),
        "shortening": State(
            action=Action(shortening, {"text": "{{results.draft.completed.text}}"}),
            transitions=[Transition(shortened, "done")],
        ),
        "done": State(terminal=True),
    },
)


@publisher.on_goal(article)
async def begin(goal: GoalContext[Topic], context: PlatformContext) -> None:
    plan = await context.plans.create_from_goal(goal, title=f"An article about {goal.data.topic}")
    plan.execute_next()


# Only replies that move a plan come here, with the state that they lead to.
@publisher.on_transition()
async def go_on(transition: TransitionContext, plan: PlanContext, context: PlatformContext) -> None:
    plan.execute_next(transition)
    if plan.is_complete():
        plan.finalize(transition.data)


if __name__ == "__main__":
    publisher.run()
