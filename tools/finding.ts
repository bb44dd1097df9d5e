/** One broken rule of the house, as a check reports it: where, which rule, what is wrong and what to do. */
export interface Finding {
  readonly path: string
  readonly rule: string
  readonly message: string
  readonly remedy: string
}

/** One line a finding, made to be read in a terminal and in a CI log. */
export function formatFinding({ path, rule, message, remedy }: Finding): string {
  return `${path}: ${message} → ${remedy} [${rule}]`
}

/** Prints the findings, or `allClear`, and sets the exit code of the process. */
export function reportFindings(findings: readonly Finding[], allClear: string): void {
  for (const finding of findings) console.error(formatFinding(finding))
  if (findings.length === 0) console.log(allClear)
  else console.error(`${findings.length} finding${findings.length === 1 ? '' : 's'}`)
  process.exitCode = findings.length === 0 ? 0 : 1
}
