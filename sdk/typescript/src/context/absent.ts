import { isProblem } from '@soma/kernel'

/** Reads what may not be there: `not-found` is undefined, every other problem is thrown. */
export async function absentAsUndefined<Value>(read: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await read()
  } catch (error) {
    if (isProblem(error) && error.code === 'not-found') return undefined
    throw error
  }
}
