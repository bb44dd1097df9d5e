import { createHash } from 'node:crypto'
import { type Context, commonProblems, uuidOf } from '@soma/kernel'
import type { EpisodeInput, FactInput } from '../../contract/index.ts'
import { maskSecrets, type SecretPolicy } from '../lexical/mask-secrets.ts'
import { tokenize } from '../lexical/tokenize.ts'
import { itemWeights } from '../lexical/weights.ts'
import { ownerIdOf, scopeKeyOf } from '../scopes/scope-keys.ts'
import { type Provenance, provenanceOf } from './trust.ts'

export const DIMENSIONS = 1_048_576

/** What is worked out of an item before its transaction: text without secrets, hash, words, origin. */
export interface PreparedItem<Input extends FactInput | EpisodeInput = FactInput | EpisodeInput> {
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
export function prepareItem<Input extends FactInput | EpisodeInput>(
  input: Input,
  prefix: 'fact' | 'epi',
  { context, secretPolicy, newId }: PrepareOptions,
): PreparedItem<Input> {
  const { text: content, found } = maskSecrets(input.content, secretPolicy)
  if (found.length > 0 && secretPolicy === 'refuse') throw secretRefused(found)
  const bytes = Buffer.from(content)
  const { dimensions, weights } = itemWeights(tokenize(content, input.language))
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

/** As pgvector reads a `sparsevec`. */
export const sparseText = (dimensions: readonly number[], weights: readonly number[]): string =>
  `{${dimensions.map((dimension, index) => `${dimension}:${(weights[index] as number).toPrecision(7)}`).join(',')}}/${DIMENSIONS}`

const secretRefused = (found: readonly string[]) =>
  commonProblems.invalidRequest.create(`the content holds what looks like a secret: ${found.join(', ')}`, {
    errors: [{ pointer: '/body/content', code: 'secret', detail: `remove the ${found.join(', ')}` }],
  })
