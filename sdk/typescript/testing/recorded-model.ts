import { createHash } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { canonicalJson, type Json } from '@soma/kernel'
import type { DecisionModel, ModelQuestion } from '../src/choreography/model.ts'
import { differencesOf } from './differences.ts'

export interface RecordedModelOptions {
  /** A JSON file of recordings; it is made by the first one. */
  readonly file: string | URL
  /** Asked, when given, for what is not recorded; its answers are kept. Default: none, so that nothing is spent in CI. */
  readonly record?: DecisionModel
}

/** What was asked and answered, with names instead of the ids and times of the run that recorded it. The hash is of the whole question. */
interface Recording {
  readonly hash: string
  readonly instructions: string
  readonly prompt: string
  readonly answer: Json
}

/**
 * A model that answers from a file, by the SHA-256 of the question in canonical JSON (RFC 8785). Ids and times differ between runs: they count by their order in
 * the question, and those of an answer are put back.
 *
 * The model throws `nothing is recorded for this question`, with what differs from the nearest recording, for a question that the file does not have.
 */
export function recordedModel({ file, record }: RecordedModelOptions): DecisionModel {
  let written: Promise<unknown> = Promise.resolve()
  const keep = (recording: Recording) => {
    const write = async () => {
      const others = (await readRecordings(file)).filter(({ hash }) => hash !== recording.hash)
      await replaceFile(file, `${JSON.stringify([...others, recording], null, 2)}\n`)
    }
    written = written.then(write, write)
    return written
  }
  return async (asked, by) => {
    const { question, name, restore } = anonymous(asked)
    const hash = createHash('sha256')
      .update(canonicalJson(question as unknown as Json))
      .digest('hex')
    const recordings = await readRecordings(file)
    const known = recordings.find((recording) => recording.hash === hash)
    if (known !== undefined) return restore(known.answer)
    if (record === undefined) throw new Error(unrecorded(question, recordings, file))
    const answer = (await record(asked, by)) as Json
    await keep({ hash, instructions: question.instructions, prompt: question.prompt, answer: name(answer) })
    return answer
  }
}

/** TypeIDs, UUIDs and instants of RFC 3339. */
const CHANGING =
  /\b(?:[a-z]+_[0-7][0-9a-hjkmnp-tv-z]{25}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z)\b/g

/** The question with a name for each thing that changes from run to run, and how to name and restore these in an answer. */
function anonymous(asked: ModelQuestion) {
  const names = new Map<string, string>()
  const nameOf = (value: string): string => {
    const name = names.get(value) ?? `«${/^[a-z]+_/.exec(value)?.[0].slice(0, -1) ?? 'changing'} ${names.size + 1}»`
    names.set(value, name)
    return name
  }
  const question = mapText(asked as unknown as Json, (text) => text.replaceAll(CHANGING, nameOf))
  const values = new Map([...names].map(([value, name]) => [name, value]))
  return {
    question: question as unknown as ModelQuestion,
    name: (answer: Json) => mapText(answer, (text) => text.replaceAll(CHANGING, (value) => names.get(value) ?? value)),
    restore: (answer: Json) =>
      mapText(answer, (text) => text.replaceAll(/«[^»]+»/g, (name) => values.get(name) ?? name)),
  }
}

const mapText = (value: Json, map: (text: string) => string): Json =>
  JSON.parse(JSON.stringify(value), (_key, member: Json) => (typeof member === 'string' ? map(member) : member)) as Json

async function readRecordings(file: string | URL): Promise<readonly Recording[]> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Recording[]
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** A process that dies while it writes leaves the file as it was. */
async function replaceFile(file: string | URL, text: string): Promise<void> {
  const next = typeof file === 'string' ? `${file}.next` : new URL(`${file.href}.next`)
  await writeFile(next, text)
  await rename(next, file)
}

const unrecorded = (question: ModelQuestion, recordings: readonly Recording[], file: string | URL): string =>
  [
    `nothing is recorded for this question in ${String(file)}; give a model to record it.`,
    ...differencesOf(textOf(question), recordings.map(textOf)),
  ].join('\n')

const textOf = ({ instructions, prompt }: Pick<ModelQuestion, 'instructions' | 'prompt'>): string =>
  `${instructions}\n${prompt}`
