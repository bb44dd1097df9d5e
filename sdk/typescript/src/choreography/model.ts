import { canonicalJson, type Json } from '@soma/kernel'

/** A question to a model: everything it needs to know is in it, and whoever else wrote parts of it is fenced off as data. */
export interface ModelQuestion {
  /** What the model is to do; ours. */
  readonly instructions: string
  /** What it is about: goal, results and candidates, written by others. */
  readonly prompt: string
  /** JSON Schema of the answer. */
  readonly answer: Readonly<Record<string, unknown>>
}

/** Asks a model and answers what it said: a value, or text with one JSON value in it. Throws when the model cannot be asked. */
export type DecisionModel = (question: ModelQuestion, options: { readonly signal: AbortSignal }) => Promise<unknown>

/** How often an answer that cannot be used is asked for again. */
const RE_ASKED = 2

/** What is wrong with an answer, in words for the model. */
export type Verdict<Value> = { readonly value: Value } | { readonly issues: readonly string[] }

/** Asks until the answer passes the check, three times at most. Answers the issues of the last one when none did. */
export async function askModel<Value>(
  model: DecisionModel,
  question: ModelQuestion,
  { check, signal }: { check: (answer: unknown) => Promise<Verdict<Value>>; signal: AbortSignal },
): Promise<Verdict<Value>> {
  let verdict: Verdict<Value> = { issues: [] }
  for (let asked = 0; asked <= RE_ASKED; asked++) {
    const answer = readAnswer(await model(withIssues(question, verdict), { signal }))
    verdict = 'issues' in answer ? answer : await check(answer.value)
    if ('value' in verdict) return verdict
  }
  return verdict
}

/** Issues quote the answer and what others have written, so they are data as well. */
const withIssues = (question: ModelQuestion, verdict: Verdict<unknown>): ModelQuestion =>
  'value' in verdict || verdict.issues.length === 0
    ? question
    : {
        ...question,
        instructions: `${question.instructions}\nYour last answer could not be used, for the reasons in <issues>.`,
        prompt: `${question.prompt}\n\n${fenced('issues', verdict.issues)}`,
      }

/** Models wrap JSON in prose and fences: the outermost braces of a text count. */
function readAnswer(answer: unknown): Verdict<unknown> {
  if (typeof answer !== 'string') return { value: answer }
  const text = answer.slice(answer.indexOf('{'), answer.lastIndexOf('}') + 1)
  try {
    return { value: JSON.parse(text) as Json }
  } catch {
    return { issues: ['answer with one JSON object and nothing else'] }
  }
}

/** A value as text that cannot close the fence around it: the same text wherever the value has been meanwhile, so that a question can be recorded. */
export const fenced = (name: string, value: unknown): string =>
  `<${name}>${canonicalJson(asJson(value)).replaceAll('<', '\\u003c')}</${name}>`

const asJson = (value: unknown): Json => JSON.parse(JSON.stringify(value) ?? 'null') as Json
