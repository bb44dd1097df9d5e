import { sqlSessionProblems } from './problems.ts'

const LEADING_SPACE = /^(?:\s+|--[^\n]*\n|\/\*[\s\S]*?\*\/)+/
const FORBIDDEN_START =
  /^(?:begin|start|commit|end|abort|prepare|deallocate|discard|reset|listen|unlisten|rollback(?!\s+(?:work\s+|transaction\s+)?to\b)|set(?!\s+constraints\b))\b/i
const FORBIDDEN_CALL = /\bset_config\s*\(\s*'\s*(?:role|session_authorization)\s*'/i
const REMEMBERED = 2_000

/**
 * A session has one transaction, one role and the settings of its scope. This refuses the statements that would change them;
 * it is a fence against mistakes, the roles' missing rights are the wall.
 */
export function createStatementGuard(): (sql: string) => void {
  const accepted = new Set<string>()
  return (sql) => {
    if (accepted.has(sql)) return
    const body = sql.replace(LEADING_SPACE, '')
    if (FORBIDDEN_START.test(body) || FORBIDDEN_CALL.test(body))
      throw sqlSessionProblems.statementRefused.create(`Refused inside a transaction: ${body.slice(0, 80)}`)
    if (accepted.size >= REMEMBERED) accepted.clear()
    accepted.add(sql)
  }
}
