import type { Bundle } from '../bundle/bundle.ts'
import { codeLines } from './code-words.ts'
import { isTestPath } from './environment.ts'
import type { Place } from './place.ts'

export interface PortFacts {
  /** Every number that code or configuration uses as a port → where. */
  readonly named: ReadonlyMap<string, Place>
  /** Ports that code falls back to or a container exposes, tests and samples aside. */
  readonly defaults: ReadonlyMap<string, Place>
}

const cached = new WeakMap<Bundle, PortFacts>()

/** The ports that the code of a bundle names. */
export function portsOf(bundle: Bundle): PortFacts {
  const known = cached.get(bundle) ?? readPorts(bundle)
  cached.set(bundle, known)
  return known
}

const NAMED = /(?:port|listen|localhost|127\.0\.0\.1|0\.0\.0\.0|expose|:\/\/)/i
const DEFAULTS = [
  /(?:\b|_)port\w*['"]?\]?\)?\s*(?:\?\?|\|\|)\s*['"]?(\d{2,5})\b/i,
  /(?:\b|_)(?:default_?)?port\b['"]?\s*[:=]\s*['"]?(\d{2,5})\b(?!\d*\/)/i,
  /(?:\b|_)port\b.*\bdefault\(?\s*[:=]?\s*['"]?(\d{2,5})\b/i,
  /^\s*EXPOSE\s+(\d{2,5})\b/,
  /\$\{\w*PORT:?-(\d{2,5})\}/,
]

const SAMPLE_PATH = /(^|\/)(examples?|samples?|demos?|docs?|website)\//i

/** A place outside tests is kept; one in a test gives way to it. */
const isKept = (place: Place | undefined): boolean => place !== undefined && !isTestPath(place.file)

function readPorts(bundle: Bundle): PortFacts {
  const named = new Map<string, Place>()
  const defaults = new Map<string, Place>()
  for (const { place } of codeLines(bundle, NAMED)) {
    for (const [port] of place.quote.matchAll(/(?<![\w.])\d{2,5}(?![\w.])/g))
      if (!isKept(named.get(port))) named.set(port, place)
    if (isTestPath(place.file) || SAMPLE_PATH.test(place.file) || /^\s*(\/\/|\*|#)/.test(place.quote)) continue
    const port = DEFAULTS.map((pattern) => pattern.exec(place.quote)?.[1]).find((found) => found !== undefined)
    if (port !== undefined && Number(port) > 0 && !defaults.has(port)) defaults.set(port, place)
  }
  return { named, defaults }
}
