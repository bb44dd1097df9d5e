import { onboard } from './client.ts'

/** Boots as an example of the original does, and says for which tenant: `cold-start.ts <base> <reference>`. */
const [base = '', reference = ''] = process.argv.slice(2)
const tenant = await onboard(base, reference)
const event = { eventName: 'greet', topic: 'action-requests', description: 'Greets.' }
const agent = {
  ...{ agentId: `greeter-${process.pid}`, name: 'greeter', description: 'Greets.' },
  capabilities: [{ taskName: 'greet', description: 'Greets.', consumedEvent: event, producedEvents: [] }],
}
for (const [path, body] of [
  ['/v1/events', { event }],
  ['/v1/agents', { agent }],
] as const) {
  const { status } = await tenant.ask(`POST ${path}`, body)
  if (status !== 200) throw new Error(`${path} answered ${status}`)
}
process.stdout.write(tenant.tenantId)
