import { addressRefused, handshakeFailed } from '../../contract/problems.ts'
import type { EventsPorts } from '../ports.ts'

const TIMEOUT_MS = 4000

/**
 * Asks a target whether it wants to be called, by the web-hook specification of CloudEvents 1.0: `OPTIONS`, allowed origin in the answer.
 * @throws address-refused, handshake-failed
 */
export async function proveTarget(
  url: string,
  { outgoing, origin }: Pick<EventsPorts, 'outgoing' | 'origin'>,
): Promise<void> {
  const headers = { 'webhook-request-origin': origin }
  const answer = await outgoing
    .send({ method: 'OPTIONS', url, headers, timeoutMs: TIMEOUT_MS })
    .catch((error: unknown) => {
      throw handshakeFailed.create(`${url} did not answer: ${error instanceof Error ? error.message : 'no answer'}`)
    })
  if ('refused' in answer) throw addressRefused.create(`${url} is not called: ${answer.refused}`)
  const allowed = answer.headers['webhook-allowed-origin']
  if (answer.status >= 200 && answer.status < 300 && (allowed === '*' || allowed === origin)) return
  const said = allowed === undefined ? 'no WebHook-Allowed-Origin' : `WebHook-Allowed-Origin ${String(allowed)}`
  throw handshakeFailed.create(`${url} answered OPTIONS with ${answer.status} and ${said}; wanted: 2xx and ${origin}`)
}
