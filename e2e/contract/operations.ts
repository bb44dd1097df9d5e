import { commonProblems, type Operation, operationsOf, type ProblemDefinition } from '@soma/kernel'
import { contractsOf, somaPlatform } from '@soma/server'

/** Every operation of the platform. */
export const OPERATIONS: readonly Operation[] = contractsOf(somaPlatform).flatMap((contract) => operationsOf(contract))

/** `<status> <code>` of every problem that an operation declares, the common ones included. */
export const declaredBy = (operation: Operation): ReadonlySet<string> =>
  new Set(problemsOf(operation).map(({ status, code }) => `${status} ${code}`))

const problemsOf = (operation: Operation): readonly ProblemDefinition[] => [
  ...Object.values(commonProblems),
  ...(operation.problems ?? []),
]

export const operationOf = (id: string): Operation => {
  const found = OPERATIONS.find((operation) => operation.id === id)
  if (found === undefined) throw new Error(`there is no operation "${id}"`)
  return found
}
