import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto'

export interface SaslOptions {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
  readonly username: string
  readonly password: string
}

/** Sends the bytes of one step and answers the server's. */
type Exchange = (bytes: Buffer) => Promise<Buffer>

/** @throws Error when the server does not prove that it knows the password */
export async function authenticate(options: SaslOptions, exchange: Exchange): Promise<void> {
  if (options.mechanism === 'PLAIN') await exchange(Buffer.from(`\0${options.username}\0${options.password}`))
  else await scram(options, options.mechanism === 'SCRAM-SHA-256' ? 'sha256' : 'sha512', exchange)
}

/** RFC 5802 without channel binding. */
async function scram(
  { username, password }: SaslOptions,
  hash: 'sha256' | 'sha512',
  exchange: Exchange,
): Promise<void> {
  const nonce = randomBytes(24).toString('base64url')
  const first = `n=${username.replaceAll('=', '=3D').replaceAll(',', '=2C')},r=${nonce}`
  const challenge = (await exchange(Buffer.from(`n,,${first}`))).toString()
  const { r: serverNonce = '', s: salt = '', i: iterations = '0' } = fieldsOf(challenge)
  if (!serverNonce.startsWith(nonce)) throw new Error('the Kafka server answered another SCRAM exchange')
  const length = hash === 'sha256' ? 32 : 64
  const salted = pbkdf2Sync(password.normalize('NFKC'), Buffer.from(salt, 'base64'), Number(iterations), length, hash)
  const mac = (key: Buffer, text: string) => createHmac(hash, key).update(text).digest()
  const clientKey = mac(salted, 'Client Key')
  const last = `c=biws,r=${serverNonce}`
  const signed = `${first},${challenge},${last}`
  const signature = mac(createHash(hash).update(clientKey).digest(), signed)
  const proof = clientKey.map((byte, index) => byte ^ (signature[index] as number))
  const answer = await exchange(Buffer.from(`${last},p=${Buffer.from(proof).toString('base64')}`))
  const verifier = Buffer.from(fieldsOf(answer.toString())['v'] ?? '', 'base64')
  const expected = mac(mac(salted, 'Server Key'), signed)
  if (verifier.length !== expected.length || !timingSafeEqual(verifier, expected))
    throw new Error('the Kafka server does not know the password that it asked for')
}

const fieldsOf = (message: string): Record<string, string> =>
  Object.fromEntries(message.split(',').map((field) => [field.slice(0, 1), field.slice(2)]))
