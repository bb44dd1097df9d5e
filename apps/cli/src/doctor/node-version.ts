import type { Finding } from './finding.ts'

const OLDEST = [20, 19] as const

/** Whether this Node can run a server. */
export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const isEnough = major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])
  if (isEnough) return { check: 'node', state: 'ok', found: version }
  return { check: 'node', state: 'fail', found: version, remedy: `install Node ${OLDEST.join('.')} or newer` }
}
