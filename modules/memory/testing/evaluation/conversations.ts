import { type Choices, seededChoices } from './seeded-choices.ts'
import { smallTalk } from './small-talk.ts'
import type { Conversation, Question, QuestionClass, Turn } from './suite.ts'
import {
  type Happening,
  HAPPENINGS,
  HOP_TOPICS,
  INTRODUCTIONS,
  NEVER_TOLD,
  RELATIONS,
  type Topic,
  TOPICS,
} from './topics.ts'

const PAIRS =
  'Amara Ben, Clara Dmitri, Elif Farid, Greta Hugo, Ines Jonas, Kofi Lena, Mateo Nadia, Olga Pablo, Quinn Rosa, Sami Tilda, Umberto Vera, Wanda Xavier'
const KNOWN = 'Aldo, Birgit, Cosmo, Delia, Edmund, Fenna, Gustav, Hilde, Igor, Jasna, Kasper, Ludmila'
/** Those from here on are friends, those before are kin of some kind. */
const FRIENDS = 5
const SESSIONS = 9
const TURNS_A_SESSION = 14
const DAY_MS = 86_400_000
const FIRST_DAY = Date.UTC(2025, 0, 6, 18)
const MONTHS = 'January February March April May June July August September October November December'.split(' ')
/** Of each class about one conversation: 12 conversations make 300 questions. */
const QUESTIONS_A_CLASS = 5

interface Said {
  readonly speaker: string
  readonly session: number
  readonly text: string
  readonly slot?: Turn['slot']
  /** What the other says just before. */
  readonly prompt?: string
}

/** With what it becomes when it is placed. */
interface Told extends Said {
  id: string
  at: string
}

/** Twelve conversations of two people over nine months: 1 512 turns, 300 questions. The same for the same seed. */
export const generatedConversations = (seed: number): Conversation[] =>
  PAIRS.split(', ').map((pair, index) => conversation(`c${index + 1}`, pair.split(' '), seededChoices(seed + index)))

function conversation(id: string, people: readonly string[], choices: Choices): Conversation {
  const told: Told[] = []
  const tell = (said: Said): Told => {
    const turn: Told = { ...said, id: '', at: '' }
    told.push(turn)
    return turn
  }
  const making = { people, choices, tell }
  const topics = choices.some(TOPICS, TOPICS.length)
  const drafts = [
    ...updates(making, topics.slice(0, QUESTIONS_A_CLASS)),
    ...singles(making, topics.slice(QUESTIONS_A_CLASS)),
    ...happenings(making),
    ...hops(making),
    ...unanswerables(making),
  ]
  const turns = placed(id, people, told, choices)
  const asked = new Date(FIRST_DAY + SESSIONS * 30 * DAY_MS).toISOString()
  const questions = drafts.map(
    ({ class: kind, text, gold, stale }, index): Question => ({
      ...{ id: `${id}-q${index + 1}`, class: kind, text: text(), at: asked },
      ...{ gold: gold.map((turn) => turn.id), stale: stale.map((turn) => turn.id) },
    }),
  )
  return { id, turns, questions }
}

interface Making {
  readonly people: readonly string[]
  readonly choices: Choices
  readonly tell: (said: Said) => Told
}

interface Draft {
  readonly class: QuestionClass
  readonly text: () => string
  readonly gold: readonly Told[]
  readonly stale: readonly Told[]
}

const draft = (
  kind: QuestionClass,
  text: string | (() => string),
  gold: readonly Told[],
  stale: readonly Told[] = [],
): Draft => ({
  ...{ class: kind, gold, stale },
  text: typeof text === 'string' ? () => text : text,
})

const filled = (template: string, values: Readonly<Record<string, string>>): string =>
  template.replaceAll(/\{(\w)\}/g, (_, name: string) => values[name] ?? '')

/** Tells the value of a topic; every second time because the other asked. */
function tellTopic(
  { choices, tell }: Making,
  topic: Topic,
  given: { person: string; session: number; value: string; isNew?: boolean },
): Told {
  const { person, session, value, isNew = false } = given
  return tell({
    ...{ speaker: person, session, text: filled(choices.one(isNew ? topic.changed : topic.told), { v: value }) },
    slot: { subject: person, predicate: topic.predicate },
    ...(choices.below(2) === 0 ? {} : { prompt: filled(topic.prompt, { p: person }) }),
  })
}

/** A value that one person changes; the other has one of the same topic, so that names decide. */
function updates(making: Making, topics: readonly Topic[]): Draft[] {
  const { people, choices } = making
  return topics.map((topic) => {
    const [person, other] = choices.some(people, 2) as [string, string]
    const [first, second, theirs] = choices.some(topic.values, 3) as [string, string, string]
    const early = tellTopic(making, topic, { person, session: choices.below(4), value: first })
    const late = tellTopic(making, topic, { person, session: 5 + choices.below(4), value: second, isNew: true })
    tellTopic(making, topic, { person: other, session: choices.below(SESSIONS), value: theirs })
    return draft('updated', filled(choices.one(topic.asked), { p: person }), [late], [early])
  })
}

/** What is told once: three times of the person itself, beside the other's, then of somebody known. */
function singles(making: Making, topics: readonly Topic[]): Draft[] {
  const { people, choices, tell } = making
  const own = topics.slice(0, 3).map((topic) => {
    const [person, other] = choices.some(people, 2) as [string, string]
    const [mine, theirs] = choices.some(topic.values, 2) as [string, string]
    const turn = tellTopic(making, topic, { person, session: choices.below(SESSIONS), value: mine })
    tellTopic(making, topic, { person: other, session: choices.below(SESSIONS), value: theirs })
    return draft('single', filled(choices.one(topic.asked), { p: person }), [turn])
  })
  const others = choices.some(KNOWN.split(', ').slice(FRIENDS), QUESTIONS_A_CLASS - own.length).map((known) => {
    const topic = choices.one(HOP_TOPICS)
    const text = filled(choices.one(topic.told), { k: known, v: choices.one(topic.values) })
    const turn = tell({ speaker: choices.one(people), session: choices.below(SESSIONS), text })
    return draft('single', asked(topic.asked, known, choices), [turn])
  })
  return [...own, ...others]
}

/** A question about somebody known, by name. */
const asked = (templates: readonly string[], known: string, choices: Choices): string =>
  choices.one(templates).replace("{p}'s {r}", known)

function happenings({ people, choices, tell }: Making): Draft[] {
  return choices.some(HAPPENINGS, QUESTIONS_A_CLASS).map((happening: Happening, index) => {
    const person = choices.one(people)
    const turn = tell({ speaker: person, session: index + choices.below(4), text: choices.one(happening.told) })
    const byTime = (): string =>
      filled(happening.askedByTime, { p: person, m: MONTHS[new Date(turn.at).getUTCMonth()] as string })
    return draft('temporal', index % 3 === 2 ? byTime : filled(happening.asked, { p: person }), [turn])
  })
}

function hops({ people, choices, tell }: Making): Draft[] {
  return choices.some(RELATIONS, QUESTIONS_A_CLASS).map((relation, index) => {
    const speaker = choices.one(people)
    const known = KNOWN.split(', ')[index] as string
    const topic = choices.one(HOP_TOPICS)
    const who = filled(choices.one(INTRODUCTIONS), { r: relation, k: known })
    const what = filled(choices.one(topic.told), { k: known, v: choices.one(topic.values) })
    return draft('multi-hop', filled(choices.one(topic.asked), { p: speaker, r: relation }), [
      tell({ speaker, session: choices.below(5), text: who }),
      tell({ speaker, session: 4 + choices.below(5), text: what }),
    ])
  })
}

function unanswerables({ people, choices }: Making): Draft[] {
  return choices
    .some(NEVER_TOLD, QUESTIONS_A_CLASS)
    .map((template) => draft('unanswerable', filled(template, { p: choices.one(people) }), []))
}

/** What matters at places that chance chooses among small talk. */
function placed(id: string, people: readonly string[], told: readonly Told[], choices: Choices): Turn[] {
  const otherThan = (speaker: string): string => people.find((person) => person !== speaker) as string
  const chatter = (): Said => {
    const speaker = choices.one(people)
    return { speaker, session: 0, text: smallTalk(choices, otherThan(speaker)) }
  }
  return Array.from({ length: SESSIONS }, (_, session) => {
    const start = FIRST_DAY + session * 30 * DAY_MS + choices.below(10) * DAY_MS
    const groups: (Said | Told)[][] = told
      .filter((turn) => turn.session === session)
      .map((turn) =>
        turn.prompt === undefined ? [turn] : [{ speaker: otherThan(turn.speaker), session, text: turn.prompt }, turn],
      )
    while (groups.flat().length < TURNS_A_SESSION) groups.splice(choices.below(groups.length + 1), 0, [chatter()])
    return groups.flat().map((said, index): Turn => {
      const place = { id: `${id}-s${session + 1}-t${index + 1}`, at: new Date(start + index * 90_000).toISOString() }
      if ('id' in said) Object.assign(said, place)
      const text = `${said.speaker}: ${said.text}`
      return { ...place, text, ...(said.slot === undefined ? {} : { slot: said.slot }) }
    })
  }).flat()
}
