import { chatModel, type DecisionModel } from '@soma/sdk'
// oxlint-disable-next-line no-restricted-imports -- recordings stand in for a model here, as in a test
import { recordedModel } from '@soma/sdk/testing'

// oxlint-disable-next-line node/no-process-env -- who plays the example may name a model of his own
const { SOMA_MODEL_URL: url, SOMA_MODEL: model = '', SOMA_MODEL_KEY: key } = process.env

/** Recorded for an agent, in a file of its own; any server that speaks the chat protocol of OpenAI says what is not recorded. */
export function modelOf(agent: 'planner' | 'advisor'): DecisionModel {
  const file = new URL(`../recordings/${agent}.json`, import.meta.url)
  return recordedModel(url === undefined ? { file } : { file, record: chatModel({ url, model, key }) })
}
