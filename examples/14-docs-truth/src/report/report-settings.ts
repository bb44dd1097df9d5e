import { lstatSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import type { Bundle } from '../bundle/bundle.ts'
import { refusal } from '../refusal.ts'

/** The settings file of a folder. */
export const REPORT_SETTINGS_FILE = 'soma-report.yaml'

const reason = z.string().trim().min(1).max(500)

const reportSettings = z.strictObject({
  /** Paths that are not packed, as patterns of .gitignore. */
  exclude: z
    .array(z.strictObject({ path: z.string().min(1).max(500), reason }))
    .max(200)
    .default([]),
  /** Statements that are accepted as they are, whatever the checkers say. */
  accept: z
    .array(
      z.strictObject({
        /** The document, relative to the folder. */
        file: z.string().min(1).max(1_000),
        /** The statement as the report quotes it. */
        quote: z.string().min(1).max(2_000),
        reason,
      }),
    )
    .max(1_000)
    .default([]),
})

export type ReportSettings = z.infer<typeof reportSettings>

/** Reads a settings text. Raises `report-settings-invalid` naming the first wrong key and the keys that exist. */
export function parseReportSettings(text: string): ReportSettings {
  const outcome = reportSettings.safeParse(parseYaml(text) ?? {})
  if (outcome.success) return outcome.data
  const [issue] = outcome.error.issues
  const place = issue?.path.join('.') || 'the file'
  throw refusal('report-settings-invalid', `${REPORT_SETTINGS_FILE}, ${place}: ${issue?.message ?? 'is not valid'}.`)
}

/** The settings of a folder on disk; without the file nothing is excluded or accepted. A link in its place is not followed. */
export function readReportSettings(folder: string): ReportSettings {
  const file = join(folder, REPORT_SETTINGS_FILE)
  const stats = lstatSync(file, { throwIfNoEntry: false })
  return parseReportSettings(stats?.isFile() && stats.size < 1_000_000 ? readFileSync(file, 'utf8') : '')
}

/** The settings that were packed with a bundle. */
export const reportSettingsOf = (bundle: Bundle): ReportSettings =>
  parseReportSettings(bundle.read(REPORT_SETTINGS_FILE) ?? '')

function parseYaml(text: string): unknown {
  try {
    return parse(text)
  } catch (error) {
    throw refusal(
      'report-settings-invalid',
      `${REPORT_SETTINGS_FILE} is not YAML: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
}
