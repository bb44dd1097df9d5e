import type { DecisionModel } from './model.ts'

export interface ChatModelOptions {
  /** Where `/chat/completions` stands, such as `http://127.0.0.1:11434/v1`. */
  readonly url: string
  /** The server's name of the model. */
  readonly model: string
  /** Sent as a bearer token. Default: none. */
  readonly key?: string | undefined
}

/** A model behind any server that speaks the chat protocol of OpenAI. Throws with the server's own words when it refuses. */
export function chatModel({ url, model, key }: ChatModelOptions): DecisionModel {
  return async ({ instructions, prompt, answer }, { signal }) => {
    const response = await fetch(`${url.replace(/\/$/, '')}/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) },
      body: JSON.stringify({
        model,
        messages: [
          { role: 'system', content: instructions },
          { role: 'user', content: prompt },
        ],
        response_format: { type: 'json_schema', json_schema: { name: 'answer', schema: answer } },
      }),
      signal,
    })
    if (!response.ok) throw new Error(`the model answered ${response.status}: ${(await response.text()).slice(0, 500)}`)
    const { choices } = (await response.json()) as { choices?: { message?: { content?: string } }[] }
    const content = choices?.[0]?.message?.content
    if (content === undefined) throw new Error(`the model ${model} at ${url} answered without a message`)
    return content
  }
}
