/** A named refusal of the engine. It carries the platform's problem brand, so a task that fails with it keeps code and remedy. */
export interface Refusal extends Error {
  readonly code: string
  readonly status: number
  readonly title: string
  readonly remedy: string
  readonly retryable: boolean
}

const BRAND = Symbol.for('soma.problem')

const REFUSALS = {
  'folder-unreadable': ['Folder cannot be read', 'Name a directory that exists and that you may read.'],
  'folder-too-large': [
    'Folder is too large',
    'Name a smaller folder, or exclude paths in soma-report.yaml or .gitignore.',
  ],
  'report-settings-invalid': ['soma-report.yaml is not valid', 'Correct the named key in soma-report.yaml.'],
  'bundle-missing': ['Bundle is not stored', 'Pack the folder again.'],
  'bundle-damaged': ['Bundle does not match its digest', 'Delete the stored bundle and pack the folder again.'],
  'report-place-unsafe': ['Report cannot be written there', 'Remove the link or file that stands at the named place.'],
  'input-invalid': ['Input is out of bounds', 'Give a value within the stated bounds.'],
} as const

export type RefusalCode = keyof typeof REFUSALS

/** Makes a named refusal; `detail` says what happened with the value. */
export function refusal(code: RefusalCode, detail: string): Refusal {
  const [title, remedy] = REFUSALS[code]
  const members = { name: 'Problem', [BRAND]: true, code, status: 422, title, remedy, retryable: false, extensions: {} }
  return Object.assign(new Error(detail), members)
}
