/** What the platform refuses to store, with the whole request that brings it: NUL, and surrogates that are no pair. */
const UNSTORABLE = /\0|\p{Surrogate}/gu

/** The same JSON value with each of them replaced by U+FFFD: an error whose message holds one must not stop its own report. */
export const storable = <Value>(value: Value): Value =>
  JSON.parse(
    JSON.stringify(value, (_name, member: unknown) =>
      typeof member === 'string' ? member.replaceAll(UNSTORABLE, '\ufffd') : member,
    ),
  ) as Value
