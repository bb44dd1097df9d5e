const OURS = /^[a-z][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)+$/
const PREFIX = 'soorma.'

/** Types of the dialect in both directions: any text there, segments of a–z, 0–9 and hyphen here. */
export interface EventTypes {
  /** A type of ours: the same where ours can hold it and no noun of the platform begins it, else one under `soorma` that reads back as it was. */
  toOwn(type: string): string
}

export function createEventTypes(reservedNouns: ReadonlySet<string>): EventTypes {
  return {
    toOwn: (type) => {
      const isOwn = OURS.test(type) && !type.startsWith(PREFIX) && !reservedNouns.has(type.slice(0, type.indexOf('.')))
      return isOwn ? type : `${PREFIX}${type.split('.').map(encodeSegment).join('.')}`
    },
  }
}

/** What clients of the dialect call a type of ours. */
export const toForeignType = (type: string): string =>
  type.startsWith(PREFIX) ? type.slice(PREFIX.length).split('.').map(decodeSegment).join('.') : type

/** `_` is `--`, what else ours cannot hold is `-` and two hexadecimal digits a byte; `0` goes before a segment that would begin with neither a letter nor 1–9. */
function encodeSegment(segment: string): string {
  const text = segment.replaceAll(/[^a-z0-9]/gu, (character) => (character === '_' ? '--' : hexOf(character)))
  return /^[a-z1-9]/.test(text) ? text : `0${text}`
}

const hexOf = (character: string): string =>
  [...Buffer.from(character)].map((byte) => `-${byte.toString(16).padStart(2, '0')}`).join('')

function decodeSegment(segment: string): string {
  const text = segment.startsWith('0') ? segment.slice(1) : segment
  return text.replaceAll(/--|(?:-[0-9a-f]{2})+/g, (code) =>
    code === '--' ? '_' : Buffer.from(code.replaceAll('-', ''), 'hex').toString('utf8'),
  )
}
