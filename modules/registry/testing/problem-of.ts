import { isProblem, type Problem } from '@soma/kernel'

/** The problem that a call ends with. @throws Error when it ends otherwise */
export async function problemOf(call: Promise<unknown>): Promise<Problem> {
  const error = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!isProblem(error)) throw new Error('no problem was raised', { cause: error })
  return error
}
