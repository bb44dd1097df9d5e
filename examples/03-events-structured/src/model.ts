import { chatModel } from '@soma/sdk'
// oxlint-disable-next-line no-restricted-imports -- recordings stand in for a model here, as in a test
import { recordedModel } from '@soma/sdk/testing'

// oxlint-disable-next-line node/no-process-env -- who plays the example may name a model of his own
const { SOMA_MODEL_URL: url, SOMA_MODEL: name = '', SOMA_MODEL_KEY: key } = process.env

const file = new URL('../recordings.json', import.meta.url)

/** Any server that speaks the chat protocol of OpenAI decides what is not recorded. */
export const model = recordedModel(
  url === undefined ? { file } : { file, record: chatModel({ url, model: name, key }) },
)
