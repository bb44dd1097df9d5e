import { isProblem } from '@soma/kernel'

/** @throws anything but not-found */
export function ignoreNotFound(error: unknown): undefined {
  if (!isProblem(error) || error.code !== 'not-found') throw error
}
