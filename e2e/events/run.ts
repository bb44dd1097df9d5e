/** `npm run test:events -- [--bus pglite,postgres,nats,kafka] [--events 100000]`: twenty groups on each of the backends, one after another. */
import { parseArgs } from 'node:util'
import { backendsNamed, openBackend } from '../backends.ts'
import { runLoad } from './hundred-thousand.ts'

const { values } = parseArgs({ options: { bus: { type: 'string' }, events: { type: 'string', default: '100000' } } })
const events = Number(values.events)
if (!Number.isInteger(events) || events < 1) throw new Error(`--events is ${values.events}: give a whole number`)

for (const name of backendsNamed(values.bus)) {
  const backend = await openBackend(name, process.env.DATABASE_URL)
  try {
    const say = (line: string) => console.log(`${name}: ${line}`)
    const report = await runLoad({ settings: backend.settings, events, say })
    say(`passed ${JSON.stringify(report)}`)
  } finally {
    await backend.end()
  }
}
