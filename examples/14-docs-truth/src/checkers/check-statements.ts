import type { Bundle } from '../bundle/bundle.ts'
import { type Checker, planChecks } from '../statements/plan-checks.ts'
import type { Statement } from '../statements/statement.ts'
import { checkCommands } from './check-commands.ts'
import { checkConfig } from './check-config.ts'
import { checkPaths } from './check-paths.ts'
import { checkVersions } from './check-versions.ts'
import type { Verdict } from './verdict.ts'

const CHECKERS: Readonly<Record<Checker, (bundle: Bundle, statements: readonly Statement[]) => readonly Verdict[]>> = {
  path: checkPaths,
  command: checkCommands,
  config: checkConfig,
  version: checkVersions,
}

/** Runs one checker over its statements. */
export const runChecker = (checker: Checker, bundle: Bundle, statements: readonly Statement[]): readonly Verdict[] =>
  CHECKERS[checker](bundle, statements)

/** Every verdict, in the order of the statements. */
export function checkStatements(bundle: Bundle, statements: readonly Statement[]): readonly Verdict[] {
  const verdicts = planChecks(statements).flatMap((task) => runChecker(task.checker, bundle, task.statements))
  return inOrder(statements, verdicts)
}

/** Puts verdicts that came from parallel tasks into the order of the statements. */
export function inOrder(statements: readonly Statement[], verdicts: readonly Verdict[]): readonly Verdict[] {
  const byKey = new Map(verdicts.map((verdict) => [verdict.statement.key, verdict]))
  return statements.flatMap((statement) => byKey.get(statement.key) ?? [])
}
