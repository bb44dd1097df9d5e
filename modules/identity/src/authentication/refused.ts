import { commonProblems, type Problem } from '@soma/kernel'

/** One text for every reason: the true one goes into `auth.decided` alone. `cause` carries it there and never leaves the server. */
export const refused = (reason: string): Problem =>
  commonProblems.unauthenticated.create('the credential is missing or not valid', { cause: reason })

/** The reason inside a refusal. */
export const reasonOf = (problem: Problem): string =>
  typeof problem.extensions.cause === 'string' ? problem.extensions.cause : problem.code
