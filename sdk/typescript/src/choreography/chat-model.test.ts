import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { chatModel } from './chat-model.ts'

let server: Server
let reply: { status: number; body: string }
let asked: { request: IncomingMessage; body: Record<string, unknown> } | undefined
beforeEach(async () => {
  asked = undefined
  server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += String(chunk)
    asked = { request, body: JSON.parse(text) as Record<string, unknown> }
    response.writeHead(reply.status, { 'content-type': 'application/json' }).end(reply.body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(() => server.close())

const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
const question = { instructions: 'Decide.', prompt: 'Which?', answer: { type: 'object' } }
const by = { signal: new AbortController().signal }

it('asks in the chat protocol of OpenAI and answers what the model said', async () => {
  reply = { status: 200, body: '{"choices":[{"message":{"content":"{\\"a\\":1}"}}]}' }
  expect(await chatModel({ url: `${url()}/`, model: 'small', key: 'secret' })(question, by)).toBe('{"a":1}')
  expect(asked?.request.url).toBe('/v1/chat/completions')
  expect(asked?.request.headers.authorization).toBe('Bearer secret')
  expect(asked?.body).toMatchObject({
    model: 'small',
    messages: [
      { role: 'system', content: 'Decide.' },
      { role: 'user', content: 'Which?' },
    ],
    response_format: { json_schema: { schema: { type: 'object' } } },
  })
})

it('sends no authorization without a key, and throws what the server said against it', async () => {
  reply = { status: 404, body: 'no such model' }
  await expect(chatModel({ url: url(), model: 'small' })(question, by)).rejects.toThrow(
    'the model answered 404: no such model',
  )
  expect(asked?.request.headers.authorization).toBeUndefined()
  reply = { status: 200, body: '{"choices":[]}' }
  await expect(chatModel({ url: url(), model: 'small' })(question, by)).rejects.toThrow('answered without a message')
})
