import type { ChangeLevel } from './changes.ts'

type Core = readonly [number, number, number]

/** The numbers of a version without its pre-release: 1.3.0-beta.1 is held to what 1.3.0 promises. */
function coreOf(version: string): Core {
  const [major = 0, minor = 0, patch = 0] = (version.split('-')[0] as string).split('.').map(Number)
  return [major, minor, patch]
}

/** The lowest version that may carry a change of this level after `from`. */
export function versionDemand(from: string, level: ChangeLevel): string {
  const [major, minor, patch] = coreOf(from)
  if (level === 'major') return `${major + 1}.0.0`
  if (level === 'minor') return `${major}.${minor + 1}.0`
  return level === 'patch' ? `${major}.${minor}.${patch + 1}` : from
}

/** Whether `to` is at least as high as a change of this level after `from` demands. */
export const meetsDemand = (from: string, to: string, level: ChangeLevel): boolean =>
  compareCores(coreOf(to), coreOf(versionDemand(from, level))) >= 0

const compareCores = (left: Core, right: Core): number => left[0] - right[0] || left[1] - right[1] || left[2] - right[2]

/** The releases next below and next above a version: those that it must be compatible with. `undefined` where there is none. */
export function neighboursOf<Item extends { readonly version: string }>(
  version: string,
  known: readonly Item[],
): { below: Item | undefined; above: Item | undefined } {
  const own = coreOf(version)
  const releases = known
    .filter((item) => !item.version.includes('-') && item.version !== version)
    .toSorted((left, right) => compareCores(coreOf(left.version), coreOf(right.version)))
  return {
    below: releases.findLast((item) => compareCores(coreOf(item.version), own) < 0),
    above: releases.find((item) => compareCores(coreOf(item.version), own) > 0),
  }
}
