import type { Gate } from '@soma/governance/contract'
import type { Colors } from 'picocolors/types.js'
import { cleanLine, cleanText } from '../output/clean-text.ts'
import { duration } from '../output/relative-time.ts'

/** Enough to judge by; the rest is in `--json` and on the page. */
const MAXIMUM_LINES = 60

/** A gate for the person who decides: what would happen, why, who asks, how long there is. */
export function gateText(gate: Gate, colours: Colors): string {
  const left = gate.status === 'open' ? `, ${duration(gate.timeLeftMs)} left` : ''
  const plan = gate.subject.planId === undefined ? [] : [`plan       ${gate.subject.planId}`]
  return [
    colours.bold(cleanLine(gate.title)),
    `gate       ${gate.gateId}`,
    `status     ${gate.status}${left}`,
    `kind       ${gate.kind}, asked by ${cleanLine(gate.requesterId)}`,
    ...plan,
    `needs      ${gate.requirements.map(requirementText).join(', and ')}`,
    ...gate.votes.map(
      ({ principalId, decision, reason }) => `vote       ${cleanLine(`${principalId}: ${decision} ${reason}`)}`,
    ),
    colours.bold('evidence'),
    ...(gate.evidence.length === 0 ? ['  none'] : gate.evidence.flatMap(evidenceLines)),
    colours.bold(gate.edited ? 'payload (edited)' : 'payload'),
    ...shortened(payloadLines(gate.payload)),
    colours.dim(gate.payloadHash),
  ].join('\n')
}

function requirementText({ quorum, humans, deciders }: Gate['requirements'][number]): string {
  const who = deciders.map((decider) => ('role' in decider ? decider.role : decider.principal))
  const by = who.length === 0 ? 'anybody who may decide' : who.map(cleanLine).join(' or ')
  return `${quorum} of ${by}${humans > 0 ? `, ${humans} a person` : ''}`
}

function evidenceLines({ label, text, link, untrusted }: Gate['evidence'][number]): string[] {
  const origin = untrusted ? ' (an agent’s own words)' : ''
  const lines = text === undefined ? [] : shortened(cleanText(text).split('\n'))
  return [
    `  ${cleanLine(label)}${origin}`,
    ...lines.map((line) => `    ${line}`),
    ...(link === undefined ? [] : [`    ${cleanLine(link)}`]),
  ]
}

/** A payload of files as their names, anything else as JSON. */
function payloadLines(payload: unknown): string[] {
  const files = filesOf(payload)
  const names = files.map(fileName)
  if (names.length > 0 && names.every((name) => name !== undefined)) {
    const { files: _files, ...rest } = payload as Readonly<Record<string, unknown>>
    const others = Object.keys(rest).length === 0 ? [] : jsonLines(rest)
    return [...names.map((name) => `  ${cleanLine(name as string)}`), ...others]
  }
  return jsonLines(payload)
}

const jsonLines = (value: unknown): string[] =>
  cleanText(JSON.stringify(value, undefined, 2))
    .split('\n')
    .map((line) => `  ${line}`)

const shortened = (lines: readonly string[]): readonly string[] =>
  lines.length <= MAXIMUM_LINES
    ? lines
    : [...lines.slice(0, MAXIMUM_LINES), `  … ${lines.length - MAXIMUM_LINES} more lines: --json shows all`]

/** The entries of `payload.files`; none where the payload has no such list. */
export function filesOf(payload: unknown): readonly unknown[] {
  if (typeof payload !== 'object' || payload === null || !('files' in payload)) return []
  return Array.isArray(payload.files) ? payload.files : []
}

/** The name by which a person calls an entry of `payload.files`. */
export function fileName(file: unknown): string | undefined {
  if (typeof file === 'string') return file
  if (typeof file !== 'object' || file === null) return undefined
  const { path, name } = file as { path?: unknown; name?: unknown }
  if (typeof path === 'string') return path
  return typeof name === 'string' ? name : undefined
}
