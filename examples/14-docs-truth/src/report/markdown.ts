/** Text as inline code that no backtick, line break or control character in it can leave. */
export function code(text: string): string {
  const plain = text
    .replace(/\r\n|[\r\n\u2028\u2029]/g, ' ⏎ ')
    .replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '\ufffd')
  const runs = [...plain.matchAll(/`+/g)].map((match) => match[0].length)
  const fence = '`'.repeat(Math.max(0, ...runs) + 1)
  const padding = plain.startsWith('`') || plain.endsWith('`') ? ' ' : ''
  return plain.trim() === '' ? '(empty)' : `${fence}${padding}${plain}${padding}${fence}`
}

/** Text as prose in which nothing is markup. */
export const prose = (text: string): string =>
  text
    .replace(/\s+/g, ' ')
    .replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '\ufffd')
    .replace(/[\\`*_{}[\]<>#|~!]/g, (sign) => `\\${sign}`)
