import { operation } from '@soma/kernel'
import * as z from 'zod'
import { registryProblems } from './problems.ts'
import { registryName, topicName } from './words.ts'

export const documentOperations = {
  get: operation({
    method: 'GET',
    path: '/v1/registry/asyncapi',
    summary:
      'The registry as an AsyncAPI 3 document: topics as channels, definitions as messages, what each live agent sends and receives as operations.',
    capability: 'event-definition:read',
    query: z.strictObject({
      /** This agent alone, with what it touches. */
      agent: registryName.optional(),
      /** This topic alone, with the replies to its requests. */
      topic: topicName.optional(),
    }),
    output: z.looseObject({ asyncapi: z.string() }),
    document: true,
    problems: [registryProblems.unknownTopic],
  }),
} as const
