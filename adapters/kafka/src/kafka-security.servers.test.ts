import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LOG_START } from '@soma/kernel'
import { type OwnServer, ownServer } from '@soma/runtime/testing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openBus } from '../testing/kafka-servers.ts'
import type { SaslOptions } from './wire/sasl.ts'

const folder = mkdtempSync(join(tmpdir(), 'soma-kafka-tls-'))
const certificate = join(folder, 'certificate.pem')
const PASSWORD = 'correct-horse'
let server: OwnServer

/** One node whose only listener for clients wants TLS and a password. */
beforeAll(async () => {
  const key = join(folder, 'key.pem')
  const subject = ['-subj', '/CN=kafka', '-addext', 'subjectAltName=IP:127.0.0.1']
  const made = ['-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', certificate]
  execFileSync('openssl', ['req', '-x509', ...made, ...subject], { stdio: 'ignore' })
  const store = join(folder, 'store.pem')
  writeFileSync(store, readFileSync(key, 'utf8') + readFileSync(certificate, 'utf8'))
  const jaas = (module: string, options = '') =>
    `sasl.jaas.config=org.apache.kafka.common.security.${module} required ${options};`
  const users = `username="soma" password="${PASSWORD}" user_soma="${PASSWORD}"`
  server = await ownServer('kafka', {
    KAFKA_OPTIONS: [
      'listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:SASL_SSL',
      'ssl.keystore.type=PEM',
      `ssl.keystore.location=${store}`,
      // The node believes itself, which it checks at its start.
      'ssl.truststore.type=PEM',
      `ssl.truststore.location=${certificate}`,
      'sasl.mechanism.inter.broker.protocol=PLAIN',
      'listener.name.plaintext.sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
      `listener.name.plaintext.plain.${jaas('plain.PlainLoginModule', users)}`,
      `listener.name.plaintext.scram-sha-256.${jaas('scram.ScramLoginModule')}`,
      `listener.name.plaintext.scram-sha-512.${jaas('scram.ScramLoginModule')}`,
      'connections.max.reauth.ms=1000',
    ].join('\n'),
    KAFKA_FORMAT: [256, 512]
      .map((bits) => `--add-scram SCRAM-SHA-${bits}=[name=soma,iterations=4096,password=${PASSWORD}]`)
      .join(' '),
  })
}, 60_000)
afterAll(async () => {
  await server.end()
  rmSync(folder, { recursive: true })
})

const record = {
  topic: 'memory',
  part: 0,
  tenantId: 't',
  eventId: 'e',
  type: 'x',
  key: 'k',
  userId: null,
  envelope: '{}',
}
const secured = (mechanism: SaslOptions['mechanism'], password = PASSWORD) => ({
  tls: { ca: readFileSync(certificate) },
  sasl: { mechanism, username: 'soma', password },
})

it.each(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const)(
  'over TLS with %s the log is written and read, longer than a session lives; another password is refused by name',
  async (mechanism) => {
    const bus = await openBus(server.url, secured(mechanism))
    const until = performance.now() + 2_500
    let written = 0
    for (; performance.now() < until; written++) await bus.append([record])
    expect(await bus.read({ topic: 'memory', part: 0, after: LOG_START, limit: 100_000 })).toHaveLength(written)
    await bus.close()
    await expect(openBus(server.url, secured(mechanism, 'wrong'))).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('SASL_AUTHENTICATION_FAILED') as string,
    })
  },
)

it('a server whose certificate nobody vouches for is refused', async () => {
  const { sasl } = secured('PLAIN')
  await expect(openBus(server.url, { tls: {}, sasl })).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('self-signed') as string,
  })
})
