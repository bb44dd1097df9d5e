import type { Bundle } from '../bundle/bundle.ts'
import { createPatch, isPlainPath } from './patch.ts'
import { renderReport } from './render-report.ts'
import type { Report } from './report.ts'

/** The three files of a run, by name. Every byte follows from the report and the bundle. */
export interface ReportFiles {
  readonly 'report.md': string
  readonly 'report.json': string
  readonly 'fixes.patch': string
}

/** Renders a report. */
export function writeReport(bundle: Bundle, report: Report): ReportFiles {
  const fixes = report.items.flatMap((item) =>
    item.fix === undefined || !isPlainPath(item.fix.file) ? [] : [item.fix],
  )
  return {
    'report.md': renderReport(report),
    'report.json': `${JSON.stringify(report, undefined, 2)}\n`,
    'fixes.patch': createPatch(bundle, fixes),
  }
}
