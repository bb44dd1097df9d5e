import type { Connected } from '../connection.ts'
import type { Finding } from './finding.ts'

/** The default of `identity.clockSkewMs`: beyond it tokens are refused. */
const REFUSED_SKEW_MS = 30_000
/** The Date header has whole seconds, and the answer took a while. */
const NOTED_SKEW_MS = 3_000

/** Whether the server answers, is ready and has the same time. `isNamed`: the person named it, so it should be there. */
export async function checkServer({ get, url }: Connected, { isNamed }: { isNamed: boolean }): Promise<Finding[]> {
  const response = await get('/ready').catch(() => undefined)
  if (response === undefined) return [absent(url, isNamed)]
  return [await readiness(response, url), ...clockSkew(response.headers.get('date'), Date.now())]
}

function absent(url: string, isNamed: boolean): Finding {
  const remedy = 'start one with `soma serve`, or name another with --url'
  return { check: 'server', state: isNamed ? 'fail' : 'warn', found: `none answers at ${url}`, remedy }
}

async function readiness(response: Response, url: string): Promise<Finding> {
  if (response.ok) return { check: 'server', state: 'ok', found: `${url} is ready` }
  const report = (await response.json().catch(() => ({}))) as {
    checks?: { name: string; ok: boolean; detail?: string }[]
  }
  const failing = (report.checks ?? []).filter(({ ok }) => !ok).map(({ name, detail }) => `${name}: ${detail ?? 'no'}`)
  const found = `${url} is not ready (${failing.join('; ') || `it answered ${response.status}`})`
  return { check: 'server', state: 'fail', found, remedy: '`soma status` shows its parts; its log names the cause' }
}

/** How far this clock is from the server's. */
export function clockSkew(date: string | null, nowMs: number): Finding[] {
  if (date === null) return []
  const skewMs = nowMs - new Date(date).getTime()
  const found = `${Math.round(Math.abs(skewMs) / 1000)} s ${skewMs > 0 ? 'ahead of' : 'behind'} the server`
  if (Math.abs(skewMs) <= NOTED_SKEW_MS) return [{ check: 'clock', state: 'ok', found: 'as the server’s' }]
  const state = Math.abs(skewMs) > REFUSED_SKEW_MS ? 'fail' : 'warn'
  return [{ check: 'clock', state, found, remedy: 'set the clock of this machine from a time server (NTP)' }]
}
