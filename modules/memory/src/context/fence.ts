/** Whatever a reader may take for the end of a line. */
const LINE_END = /\r\n|[\n\r\v\f\u0085\u2028\u2029]/
/** What changes how text is shown without being seen: control characters, directions, tags, and marks of no width that no script needs. */
const HIDDEN =
  /[\u0000-\u0008\u000E-\u001F\u007F-\u0084\u0086-\u009F\u200B\u2060-\u2069\u202A-\u202E\uFEFF]|[\u{E0000}-\u{E007F}]/gu

/** Text that no mark-up can be in: a fence is mark-up, so text never closes one (MEM-R57). */
export const escapeText = (text: string): string =>
  text.replaceAll(HIDDEN, '').replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

export const openFence = (kind: string): string => `<memory kind="${kind}">`
export const CLOSED_FENCE = '</memory>'

/** The lines of a text, each behind the number of its citation; the first says what it is. */
export function citedLines(n: number, about: string, text: string): string {
  const lines = text.split(LINE_END).map((line) => `[${n}] ${escapeText(line)}`)
  return [`[${n}] (${escapeText(about).split(LINE_END).join(' ')})`, ...lines].join('\n')
}
