/**
 * A semantic version in a form that sorts as plain text in the order of SemVer 2.0.0 §11: numbers are padded to 10 digits,
 * a release (`~`) sorts after its pre-releases (`-`), numeric identifiers (`0…`) before alphanumeric ones (`1…`).
 */
export function semverOrder(version: string): string {
  const dash = version.indexOf('-')
  const core = dash === -1 ? version : version.slice(0, dash)
  const numbers = core.split('.').map((part) => part.padStart(10, '0'))
  return `${numbers.join('.')}${dash === -1 ? '~' : preReleaseOrder(version.slice(dash + 1))}`
}

function preReleaseOrder(preRelease: string): string {
  const identifiers = preRelease.split('.')
  return `-${identifiers.map((part) => (/^\d+$/.test(part) ? `0${part.padStart(10, '0')}` : `1${part}`)).join('!')}`
}
