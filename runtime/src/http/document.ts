import { createHash } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { toYaml } from './yaml.ts'

const YAML = /application\/(?:[\w.-]+\+)?(?:x-)?yaml/

/** Whether the caller would read the document. */
export const acceptsYaml = (request: FastifyRequest): boolean => YAML.test(request.headers.accept ?? '')

/** Sends a document as JSON, or as YAML to who asks for that and not for JSON, with an ETag of its bytes; to who has these bytes 304. */
export function sendDocument(document: unknown, { request, reply }: { request: FastifyRequest; reply: FastifyReply }) {
  const isYaml = acceptsYaml(request) && !request.headers.accept?.includes('json')
  const text = isYaml ? toYaml(document) : JSON.stringify(document)
  const tag = `"${createHash('sha256').update(text).digest('base64url')}"`
  void reply.headers({ etag: tag, vary: 'accept', 'cache-control': 'private, no-cache' })
  if (hasTag(request.headers['if-none-match'], tag)) return reply.code(304).send()
  return reply.type(isYaml ? 'application/yaml' : 'application/json').send(text)
}

const hasTag = (known: string | undefined, tag: string): boolean =>
  known?.split(',').some((entry) => ['*', tag, `W/${tag}`].includes(entry.trim())) ?? false
