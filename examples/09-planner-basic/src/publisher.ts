import { definePlanner } from '@soma/sdk'
import { article, drafting, shortening } from './events.ts'

// Plain data, checked as it is defined: a state that nothing leads to, or a path that is not there, is an error here.
const publisher = definePlanner({
  name: 'publisher',
  description: 'Has an article written, and shortened until it fits.',
  stateMachine: {
    drafting: {
      action: { event: drafting, data: { topic: '{{goal.data.topic}}' } },
      transitions: [
        { on: drafting.response, to: 'done', when: 'results.draft.completed.words <= 5' },
        { on: drafting.response, to: 'shortening' },
      ],
    },
    shortening: {
      action: { event: shortening, data: { text: '{{results.draft.completed.text}}' } },
      transitions: [{ on: shortening.response, to: 'done' }],
    },
    done: { terminal: true },
  },
})

publisher.onGoal(article, async (goal, { plans }) => {
  const plan = await plans.createFromGoal(goal, { title: `An article about ${goal.data.topic}` })
  plan.executeNext()
})

// Only replies that move a plan come here, with the state that they lead to.
publisher.onTransition((transition, plan) => {
  plan.executeNext(transition)
  if (plan.isComplete()) plan.finalize(transition.data)
})

await publisher.run()
