import { type Context, traceIdOf } from '@soma/kernel'
import { type SourceKind, type Trust, TRUSTS } from '../../contract/index.ts'

/** How far a source is believed at most. A writer cannot raise itself by naming a better source (MEM-R65). */
const OF_SOURCE: Readonly<Record<SourceKind, Trust>> = {
  human: 'verified',
  agent: 'normal',
  consolidation: 'normal',
  event: 'normal',
  document: 'low',
  import: 'low',
  tool: 'untrusted',
}

export const trustLevel = (trust: Trust): number => TRUSTS.indexOf(trust)
export const trustOfLevel = (level: number): Trust => TRUSTS[level] ?? 'untrusted'

export interface Provenance {
  readonly kind: SourceKind
  readonly ref: string
  /** The writer named the reference: a repetition of it is the same source. */
  readonly isNamed: boolean
  readonly trust: number
  readonly actor: string
  readonly traceId: string
  readonly correlationId: string | undefined
  readonly constitutionHash: string
}

/** Where an item comes from and how far it is believed. A source without a reference is the trace of its call. */
export function provenanceOf(
  context: Context,
  source: { kind?: SourceKind | undefined; ref?: string | undefined },
  isOwnStatement: boolean,
): Provenance {
  const isPerson = context.principal.kind === 'user'
  const kind = source.kind ?? (isPerson ? 'human' : 'agent')
  const ofWriter: Trust = isPerson
    ? isOwnStatement
      ? 'verified'
      : 'trusted'
    : context.principal.kind === 'guest'
      ? 'low'
      : 'normal'
  const traceId = traceIdOf(context.traceparent)
  return {
    kind,
    ref: source.ref ?? `trace:${traceId}`,
    isNamed: source.ref !== undefined,
    trust: Math.min(trustLevel(OF_SOURCE[kind]), trustLevel(ofWriter)),
    actor: context.principal.id,
    traceId,
    correlationId: context.cause?.correlationId,
    constitutionHash: context.constitutionHash,
  }
}
