import { definePlanner, spec } from '@soma/sdk'
import { harvest, packing } from './events.ts'

const foreman = definePlanner({
  name: 'foreman',
  description: 'Has a harvest packed and adds up what is in the boxes.',
})

foreman.onGoal(harvest, async (goal, { plans }) => {
  const plan = await plans.createFromGoal(goal, { title: 'A harvest' })
  plan.delegateParallel(Object.entries(goal.data.boxes).map(([box, apples]) => spec(packing, { box, apples })))
})

foreman.onResult(packing.response, async ({ group, restorePlan }) => {
  const plan = await restorePlan()
  if (plan === undefined || group?.done !== true) return
  const apples = (await plan.shared.get<number>('apples')) ?? 0
  const boxes = (await plan.shared.get<string[]>('boxes')) ?? []
  plan.finalize({ apples, boxes: boxes.toSorted(), planId: plan.planId })
})

await foreman.run()
