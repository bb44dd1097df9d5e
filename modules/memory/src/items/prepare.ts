import { createHash } from 'node:crypto'
import { type Context, commonProblems, uuidOf } from '@soma/kernel'
import type { EpisodeInput, FactInput, ProcedureInput } from '../../contract/index.ts'
import { maskSecrets, type SecretPolicy } from '../lexical/mask-secrets.ts'
import { tokenize } from '../lexical/tokenize.ts'
import { itemWeights } from '../lexical/weights.ts'
import { ownerIdOf, scopeKeyOf } from '../scopes/scope-keys.ts'
import { type Provenance, provenanceOf } from './trust.ts'

export const DIMENSIONS = 1_048_576

type ItemInput = FactInput | EpisodeInput | ProcedureInput

/** What is worked out of an item before its transaction: text without secrets, hash, words, origin. */
export interface PreparedItem<Input extends ItemInput = ItemInput> {
  readonly id: string
  readonly input: Input
  readonly scopeKey: string
  readonly ownerId: string
  readonly content: string
  readonly contentHash: Uint8Array
  readonly bytes: number
  readonly dimensions: readonly number[]
  /** As pgvector reads a `sparsevec`. */
  readonly weights: string
  readonly provenance: Provenance
  readonly sourceId: string
  /** Of the link to a rival, if there is one. */
  readonly linkId: string
  readonly warnings: readonly string[]
}

export interface PrepareOptions {
  readonly context: Context
  readonly secretPolicy: SecretPolicy
  readonly newId: (prefix: string) => string
}

/** @throws invalid-request for a secret where the policy refuses them, and for a time that is ahead */
export function prepareItem<Input extends ItemInput>(
  input: Input,
  prefix: 'fact' | 'epi' | 'proc',
  { context, secretPolicy, newId }: PrepareOptions,
): PreparedItem<Input> {
  const { text: content, found } = maskSecrets(input.content, secretPolicy)
  if (found.length > 0 && secretPolicy === 'refuse') throw secretRefused(found)
  const bytes = Buffer.from(content)
  const { dimensions, weights } = itemWeights(tokenize(wordsOf(input, content), input.language))
  return {
    id: uuidOf(prefix, newId(prefix)),
    input,
    scopeKey: scopeKeyOf(context, input.scope),
    ownerId: ownerIdOf(context),
    content,
    contentHash: createHash('sha256').update(bytes).digest(),
    bytes: bytes.length,
    dimensions,
    weights: sparseText(dimensions, weights),
    provenance: provenanceOf(context, input.source, input.scope.type === 'user'),
    sourceId: uuidOf('work', newId('work')),
    linkId: uuidOf('link', newId('link')),
    warnings: found.map((shape) => `masked: ${shape}`),
  }
}

/** What an item is found by: a procedure by its name and trigger too. The same text is counted: see `lexicon/store.ts`. */
const wordsOf = (input: ItemInput, content: string): string =>
  'trigger' in input ? `${input.name}\n${input.trigger}\n${content}` : content

/** A trigger is masked like a content. */
export function prepareProcedure(input: ProcedureInput, options: PrepareOptions): PreparedItem<ProcedureInput> {
  const { text: trigger, found } = maskSecrets(input.trigger, options.secretPolicy)
  if (found.length > 0 && options.secretPolicy === 'refuse') throw secretRefused(found)
  const prepared = prepareItem({ ...input, trigger }, 'proc', options)
  return { ...prepared, warnings: [...prepared.warnings, ...found.map((shape) => `masked: ${shape}`)] }
}

/** As pgvector reads a `sparsevec`. */
export const sparseText = (dimensions: readonly number[], weights: readonly number[]): string =>
  `{${dimensions.map((dimension, index) => `${dimension}:${(weights[index] as number).toPrecision(7)}`).join(',')}}/${DIMENSIONS}`

const secretRefused = (found: readonly string[]) =>
  commonProblems.invalidRequest.create(`the content holds what looks like a secret: ${found.join(', ')}`, {
    errors: [{ pointer: '/body/content', code: 'secret', detail: `remove the ${found.join(', ')}` }],
  })
