import type { Cluster } from './cluster.ts'
import { readStates } from './reading.ts'
import { allNames, nameOf, type TopicNames, topicOf } from './topic-names.ts'
import { createTopics, describeConfigs, type TopicMetadata } from './wire/cluster-apis.ts'
import { CODES, kafkaError } from './wire/kafka-error.ts'

/** The headers beside an event: its attributes and its key. */
const HEADER_BYTES = 65_536
const LARGEST_BATCH = 1_048_588
const REPLICAS = 3
const IN_SYNC = 2
const NEVER = '-1'

export interface TopicPromises {
  /** Refuses topics that could lose what is acknowledged when one broker dies. */
  readonly production: boolean
  /** `power`: what is appended survives a power cut; with fewer than 3 replicas each append is synced to the disk. */
  readonly durability: 'power' | 'process'
  /** Largest envelope that will be appended. */
  readonly maxEventBytes: number
}

/** A topic as it is. */
export interface TopicFacts {
  readonly name: string
  readonly partitions: number
  /** Of the partition that has fewest. */
  readonly replicas: number
  readonly settings: Readonly<Record<string, string>>
}

/** What a topic must be: `wanted` is what a new one gets, `remedy` what is said about one that is not so. */
interface Requirement {
  readonly setting: string
  readonly wanted: string
  readonly isMet: (value: string) => boolean
  readonly because: string
}

function requirementsOf({ production, durability, maxEventBytes }: TopicPromises, replicas: number): Requirement[] {
  const exactly = (setting: string, wanted: string, because: string): Requirement => ({
    setting,
    wanted,
    isMet: (value) => value === wanted,
    because,
  })
  const largest = Math.max(LARGEST_BATCH, maxEventBytes + HEADER_BYTES)
  const requirements: Requirement[] = [
    exactly('cleanup.policy', 'delete', 'compaction leaves holes in the positions'),
    exactly('retention.ms', NEVER, 'Soma deletes what all readers have passed, Kafka would not wait for them'),
    exactly('retention.bytes', NEVER, 'Soma deletes what all readers have passed, Kafka would not wait for them'),
    exactly('message.timestamp.type', 'LogAppendTime', 'replay by time needs times that never fall'),
    {
      ...exactly('compression.type', 'uncompressed', 'what other programs write must be readable'),
      isMet: (value) => value === 'uncompressed' || value === 'gzip',
    },
    {
      setting: 'max.message.bytes',
      wanted: String(largest),
      isMet: (value) => Number(value) >= largest,
      because: `events.maxEventBytes is ${maxEventBytes}`,
    },
    exactly('unclean.leader.election.enable', 'false', 'an unclean leader has lost acknowledged events'),
  ]
  if (production)
    requirements.push({
      setting: 'min.insync.replicas',
      wanted: String(IN_SYNC),
      isMet: (value) => Number(value) >= IN_SYNC,
      because: 'an acknowledged event must be on two brokers',
    })
  else if (durability === 'power' && replicas < REPLICAS)
    requirements.push(exactly('flush.messages', '1', 'events.durability is power and there are no three replicas'))
  return requirements
}

/** @throws Error naming the topic and the setting that would break a promise */
export function refuseUnsafe(facts: TopicFacts, partitions: number, promises: TopicPromises): void {
  if (facts.partitions !== partitions)
    throw new Error(
      `the Kafka topic ${facts.name} has ${facts.partitions} partitions, events.partitions is ${partitions}: a key must never change its partition, so set events.partitions`,
    )
  if (promises.production && facts.replicas < REPLICAS)
    throw new Error(
      `the Kafka topic ${facts.name} has replication factor ${facts.replicas}: in production it must be ${REPLICAS}`,
    )
  for (const { setting, wanted, isMet, because } of requirementsOf(promises, facts.replicas)) {
    const value = facts.settings[setting] ?? ''
    if (!isMet(value))
      throw new Error(`the Kafka topic ${facts.name} has ${setting}=${value}: set ${wanted}, because ${because}`)
  }
}

/**
 * Makes the topics that are missing, checks all, and from then on knows them by id.
 * @throws Error naming topic and setting when one is unsafe, or when one is gone while others hold events: made again it would begin at position 1, behind every cursor
 */
export async function prepareTopics(cluster: Cluster, names: TopicNames, promises: TopicPromises): Promise<void> {
  const found = (await describe(cluster)).filter(({ error }) => error === 0)
  const missing = allNames(names).filter((name) => found.every((topic) => topic.name !== name))
  if (missing.length > 0) {
    await refuseLoss(cluster, names, { found, missing })
    await makeTopics(cluster, names, { missing, promises })
  }
  await describe(cluster)
  const topics = await awaitLeaders(cluster)
  const settings = await readSettings(cluster, names)
  for (const { name, partitions } of topics) {
    const replicas = Math.min(...partitions.map((partition) => partition.replicas.length))
    refuseUnsafe(
      { name, partitions: partitions.length, replicas, settings: settings.get(name) ?? {} },
      names.partitions,
      promises,
    )
  }
  cluster.pin(new Map(topics.map(({ name, id }) => [name, id])))
}

const describe = async (cluster: Cluster): Promise<readonly TopicMetadata[]> =>
  (await cluster.attempt('Kafka cannot be reached', (timeoutMs) => cluster.refresh(timeoutMs))).topics

async function refuseLoss(
  cluster: Cluster,
  names: TopicNames,
  { found, missing }: { found: readonly TopicMetadata[]; missing: readonly string[] },
): Promise<void> {
  const places = found.flatMap(({ name, partitions }) =>
    partitions.map(({ part }) => ({ topic: topicOf(names, name), part })),
  )
  const full = (await readStates(cluster, names, places)).find(({ position }) => position > 0)
  if (full !== undefined)
    throw new Error(
      `the Kafka topic ${missing[0]} is gone while ${nameOf(names, full.topic)} holds events: restore it, or see the runbook of @soma/adapter-kafka`,
    )
}

async function makeTopics(
  cluster: Cluster,
  names: TopicNames,
  { missing, promises }: { missing: readonly string[]; promises: TopicPromises },
): Promise<void> {
  await cluster.attempt('the Kafka topics could not be made', async (timeoutMs) => {
    const { brokers, controller } = await cluster.view(timeoutMs)
    const replicas = promises.production ? REPLICAS : Math.min(REPLICAS, brokers.length)
    const settings = requirementsOf(promises, replicas).map(({ setting, wanted }) => [setting, wanted] as const)
    const topics = missing.map((name) => ({
      name,
      partitions: names.partitions,
      replicas,
      settings: Object.fromEntries(settings),
    }))
    const answers = await cluster.send({ broker: controller, lane: 'read', timeoutMs }, createTopics, {
      topics,
      timeoutMs,
    })
    const failed = answers.find(({ error }) => error !== 0 && error !== CODES.TOPIC_ALREADY_EXISTS)
    if (failed !== undefined)
      throw kafkaError(
        failed.error,
        `topic ${failed.name} with replication factor ${replicas}: ${failed.message ?? ''}`,
      )
  })
}

function awaitLeaders(cluster: Cluster): Promise<readonly TopicMetadata[]> {
  return cluster.attempt('the Kafka topics have no leaders', async (timeoutMs) => {
    const { topics } = await cluster.view(timeoutMs)
    const headless = topics.find(({ error, partitions }) => error !== 0 || partitions.some(({ leader }) => leader < 0))
    if (headless !== undefined) throw kafkaError(headless.error || CODES.LEADER_NOT_AVAILABLE, headless.name)
    return topics
  })
}

async function readSettings(
  cluster: Cluster,
  names: TopicNames,
): Promise<ReadonlyMap<string, Readonly<Record<string, string>>>> {
  const settings = [
    ...requirementsOf({ production: true, durability: 'power', maxEventBytes: 0 }, 1),
    ...requirementsOf({ production: false, durability: 'power', maxEventBytes: 0 }, 1),
  ].map(({ setting }) => setting)
  const request = { topics: allNames(names), settings: [...new Set(settings)] }
  const answers = await cluster.attempt('the settings of the Kafka topics could not be read', async (timeoutMs) => {
    const described = await cluster.sendToAny(describeConfigs, request, timeoutMs)
    const failed = described.find(({ error }) => error !== 0)
    if (failed !== undefined) throw kafkaError(failed.error, failed.message ?? failed.name)
    return described
  })
  return new Map(answers.map((answer) => [answer.name, answer.settings]))
}
