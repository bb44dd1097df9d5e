import { relative } from 'node:path'
import { performance } from 'node:perf_hooks'
import type { Clients } from '@soma/sdk/clients'
import { changesOf, patiently } from './changes.ts'
import type { Demo } from './demo.ts'

/** One line of at most twelve: what a person needs to know, and nothing that scrolls it away. */
export const print = (label: string, text: string): void => void process.stdout.write(`${label.padEnd(10)}${text}\n`)

/** Seconds since this process began. */
export const elapsed = (): string => `${(performance.now() / 1000).toFixed(1)} s`

export function introduce(demo: Demo, dataDirectory: string): void {
  const { run } = demo
  print('Model', `${run.model}  (another: npm start -- --model URL)`)
  print('Data', relative('.', dataDirectory) || dataDirectory)
  print(
    'Plan',
    `${demo.planId}: are the docs of ${run.folder} true?${run.paceMs > 0 ? ` (slowed: ${run.paceMs} ms a task)` : ''}`,
  )
  print('Elsewhere', 'npm start -- ~/my-project')
  print('Stop', 'Ctrl-C; npm start goes on where it was')
}

export interface Following {
  /** Resolves when the plan is over or `stopping` aborts. */
  readonly ended: Promise<void>
  /** Resolves when no question is under way: what answers them may be closed then. */
  readonly settled: () => Promise<void>
}

/** Prints where the plan stands when it waits and when it ends. */
export function follow(
  demo: Demo,
  { clients, url, stopping }: { clients: Clients; url: string; stopping: AbortSignal },
): Following {
  let shown = ''
  let looking: Promise<unknown> = Promise.resolve()
  const show = async () => {
    const now = await standingOf(demo, clients, url)
    if (now.key !== shown) for (const [label, text] of now.lines) print(label, text)
    shown = now.key
    return now.isOver
  }
  const look = () => {
    const answer = show()
    looking = answer
    return answer
  }
  const read = async () => {
    for await (const _change of changesOf(clients, stopping))
      if (stopping.aborted || (await patiently(look, stopping))) return
  }
  const ended = read().catch((error: unknown) => {
    if (!stopping.aborted) throw error
  })
  const settled = async () => void (await Promise.allSettled([looking]))
  return { ended, settled }
}

interface Standing {
  readonly key: string
  readonly isOver: boolean
  readonly lines: readonly (readonly [string, string])[]
}

async function standingOf(demo: Demo, clients: Clients, url: string): Promise<Standing> {
  const plan = await clients.plans.plans.get({ params: { planId: demo.planId } })
  const { items } = await clients.governance.gates.list({ query: { planId: demo.planId, limit: 1 } })
  const [gate] = items
  if (plan.status === 'completed')
    return { key: 'completed', isOver: true, lines: [['Done', describeEnd(plan.outputs)]] }
  if (plan.status === 'failed' || plan.status === 'cancelled') {
    return {
      key: plan.status,
      isOver: true,
      lines: [['Ended', `${plan.status}: ${plan.problem?.detail ?? plan.stopReason ?? 'nothing was written'}`]],
    }
  }
  if (gate?.status !== 'open') return { key: 'working', isOver: false, lines: [] }
  const [report] = gate.evidence
  return {
    key: gate.gateId,
    isOver: false,
    lines: [
      ['Found', `${report?.label ?? 'the report is ready'}  (gate open after ${elapsed()})`],
      ['Approve', `npx soma approve ${gate.gateId} --reason "read it", or press A at ${url}`],
    ],
  }
}

function describeEnd(outputs: unknown): string {
  const {
    directory,
    written = [],
    untouched = [],
  } = (outputs ?? {}) as { directory?: string | null; written?: string[]; untouched?: string[] }
  if (directory === null || directory === undefined)
    return 'nothing to check: no document makes a statement about this folder'
  const files = [...written, ...untouched].join(', ')
  return `${directory}/ has ${files === '' ? 'no file: none was approved' : files}`
}
