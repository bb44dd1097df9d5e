import type { Json } from '@soma/kernel'
import { derivedId } from '../run/derived-ids.ts'
import type { Handling } from '../run/handling.ts'
import { sdkProblems } from '../sdk-problems.ts'
import { absentAsUndefined } from './absent.ts'
import type { TaskOrigin } from './task-origin.ts'

export interface Question {
  readonly question: string
  /** JSON Schema of the answer. */
  readonly schema: Readonly<Record<string, unknown>>
  /** Tells several questions of one task apart. Default `ask`. */
  readonly key?: string
  /** Default: any holder of `gate:decide`, the asker's own principal among them: an answer is no approval, and on a laptop agent and user are one principal. */
  readonly deciders?: readonly ({ readonly role: string } | { readonly principal: string })[]
  readonly dueAt?: string
}

export interface Asked<Answer> {
  readonly gateId: string
  readonly answer: Answer | undefined
  /** Opens the gate, where it does not stand yet. Called once the task waits for it: a decision that came before would find nobody. */
  readonly open?: () => Promise<void>
}

/** Reads what was answered at the gate of a question. The gate's id follows from task and key, so a question is asked once. */
export async function askAtGate<Answer extends Json>(
  handling: Handling,
  origin: TaskOrigin,
  question: Question,
): Promise<Asked<Answer>> {
  const { gates } = handling.clients.governance
  const gateId = derivedId('gate', origin.taskId, handling.agent.name, question.key ?? 'ask')
  const known = await absentAsUndefined(() => gates.get({ params: { gateId } }))
  if (known === undefined) {
    const open = async () => {
      await gates.open({ body: gateOf(origin, question, gateId) as never })
    }
    return { gateId, answer: undefined, open }
  }
  if (known.status === 'open') return { gateId, answer: undefined }
  if (known.status !== 'approved') {
    throw sdkProblems.unanswered.create(`"${question.question}" was ${known.status}`, { gateId })
  }
  return { gateId, answer: (known.payload as { answer: Answer }).answer }
}

const gateOf = (origin: TaskOrigin, question: Question, gateId: string) => ({
  gateId,
  kind: 'input',
  title: question.question.slice(0, 200),
  subject: { taskId: origin.taskId },
  payload: { answer: null },
  editSchema: { type: 'object', properties: { answer: question.schema }, required: ['answer'] },
  requirements: [{ deciders: question.deciders ?? [], excludeRequester: false }],
  ...(question.dueAt === undefined ? {} : { dueAt: question.dueAt }),
})
