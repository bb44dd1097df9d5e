/** 1.5 KB with its envelope. */
export const FILLING = 'x'.repeat(900)

/** 1.5 KB with what the server stamps; a thousand keys. */
export const aLoadEvent = (number: number) => ({
  topic: 'business-facts',
  type: 'load.done',
  partitionKey: `key-${number % 1_000}`,
  data: { number, text: FILLING },
})
