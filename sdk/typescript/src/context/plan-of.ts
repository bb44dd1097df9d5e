import type { Handling } from '../run/handling.ts'

/** The plan of the event. Other systems may stamp ids of their own. */
export const planOf = ({ event }: Handling): string | undefined =>
  event.planid?.startsWith('plan_') === true ? event.planid : undefined
