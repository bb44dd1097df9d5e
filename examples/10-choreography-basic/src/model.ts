import type { DecisionModel } from '@soma/sdk'
// oxlint-disable-next-line no-restricted-imports -- recordings stand in for a model here, as in a test
import { recordedModel } from '@soma/sdk/testing'

// oxlint-disable-next-line node/no-process-env -- who plays the example may name a model of his own
const { SOMA_MODEL_URL, SOMA_MODEL, SOMA_MODEL_KEY = '' } = process.env

/** Any server that speaks the chat protocol of OpenAI. */
const asked: DecisionModel = async ({ instructions, prompt, answer }, { signal }) => {
  const response = await fetch(`${SOMA_MODEL_URL}/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${SOMA_MODEL_KEY}` },
    body: JSON.stringify({
      model: SOMA_MODEL,
      messages: [
        { role: 'system', content: instructions },
        { role: 'user', content: prompt },
      ],
      response_format: { type: 'json_schema', json_schema: { name: 'decision', schema: answer } },
    }),
    signal,
  })
  if (!response.ok) throw new Error(`the model answered ${response.status}: ${await response.text()}`)
  const { choices } = (await response.json()) as { choices: { message: { content: string } }[] }
  return choices[0]?.message.content
}

const file = new URL('../recordings.json', import.meta.url)

export const model = recordedModel(SOMA_MODEL_URL === undefined ? { file } : { file, record: asked })
