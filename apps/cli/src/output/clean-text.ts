/** Text of others made harmless for a terminal: control characters, which could move the cursor or hide words, become `�`; line breaks and tabs a space. */
export const cleanLine = (text: string): string =>
  text.replaceAll(/[\t\n\r]+/g, ' ').replaceAll(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '�')

/** The same for text of several lines, which keep their breaks. */
export const cleanText = (text: string): string =>
  text
    .split(/\r\n|\r|\n/)
    .map(cleanLine)
    .join('\n')
