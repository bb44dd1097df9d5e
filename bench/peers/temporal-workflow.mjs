import { proxyActivities } from '@temporalio/workflow'

const { add } = proxyActivities({ startToCloseTimeout: '1 minute' })

export async function chain(number) {
  let value = number
  for (let step = 0; step < 3; step += 1) value = await add(value)
  return value
}
