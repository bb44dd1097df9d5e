import type { Statement, StatementKind } from './statement.ts'

/** The agent that checks a kind of statement. */
export type Checker = 'path' | 'command' | 'config' | 'version'

export const CHECKER_OF: Readonly<Record<StatementKind, Checker>> = {
  path: 'path',
  link: 'path',
  anchor: 'path',
  command: 'command',
  flag: 'command',
  package: 'version',
  env: 'config',
  port: 'config',
  setting: 'config',
  version: 'version',
  engine: 'version',
  licence: 'version',
}

/** One check task: a kind of checker and the statements it gets. */
export interface CheckTask {
  /** `path-1`, `path-2`, `command-1` …: stable for equal statements. */
  readonly name: string
  readonly checker: Checker
  readonly statements: readonly Statement[]
}

/** The check tasks of a plan: one for each checker and `size` (50) statements, in stable order. */
export function planChecks(statements: readonly Statement[], size = 50): readonly CheckTask[] {
  return (['path', 'command', 'config', 'version'] as const).flatMap((checker) => {
    const own = statements.filter((statement) => CHECKER_OF[statement.kind] === checker)
    return Array.from({ length: Math.ceil(own.length / size) }, (_, index) => ({
      name: `${checker}-${index + 1}`,
      checker,
      statements: own.slice(index * size, (index + 1) * size),
    }))
  })
}
