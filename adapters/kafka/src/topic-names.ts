import { TOPICS } from '@soma/kernel'

export interface TopicNames {
  /** First part of topic names: installations may share a cluster under different ones. */
  readonly prefix: string
  /** Partitions of every topic. */
  readonly partitions: number
}

/** Under `soma` where no other prefix is given. */
export const namesOf = ({ prefix = 'soma', partitions }: Partial<TopicNames> & Pick<TopicNames, 'partitions'>) => ({
  prefix,
  partitions,
})

export const nameOf = ({ prefix }: TopicNames, topic: string): string => `${prefix}.${topic}`

export const allNames = (names: TopicNames): string[] => TOPICS.map((topic) => nameOf(names, topic))

export const topicOf = ({ prefix }: TopicNames, name: string): string => name.slice(prefix.length + 1)

export interface Place {
  readonly topic: string
  readonly part: number
}

/** Every partition of one topic or of all. */
export const placesOf = ({ partitions }: TopicNames, topic?: string): Place[] =>
  TOPICS.filter((each) => topic === undefined || each === topic).flatMap((each) =>
    Array.from({ length: partitions }, (_, part) => ({ topic: each, part })),
  )

/** @throws RangeError before anything is sent */
export function requirePlace({ partitions }: TopicNames, topic: string, part: number): void {
  if (!(TOPICS as readonly string[]).includes(topic) || !(part >= 0 && part < partitions))
    throw new RangeError(`there is no partition ${part} of a topic "${topic}"`)
}
