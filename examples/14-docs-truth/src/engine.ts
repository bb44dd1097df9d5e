/** The engine of "Are your docs true?": plain functions over a packed folder, for agents to call. */
export { type Answer, answerQuestion, DEFAULT_QUESTION } from './answer/answer-question.ts'
export type { Citation } from './answer/sentences.ts'
export type {
  Bundle,
  BundleFile,
  BundleManifest,
  FileKind,
  NotRead,
  NotReadReason,
  SearchHit,
} from './bundle/bundle.ts'
export { decodeBundle } from './bundle/bundle-format.ts'
export { createBundleReader, openBundle, writeBundle } from './bundle/bundle-store.ts'
export { type PackOptions, packFolder } from './bundle/pack-folder.ts'
export { checkCommands } from './checkers/check-commands.ts'
export { checkConfig, listUndocumentedVariables, type UndocumentedVariable } from './checkers/check-config.ts'
export { checkPaths } from './checkers/check-paths.ts'
export { checkStatements, inOrder, runChecker } from './checkers/check-statements.ts'
export { checkVersions } from './checkers/check-versions.ts'
export type { Evidence, Fix, UncheckedReason, Verdict } from './checkers/verdict.ts'
export type { Place } from './facts/place.ts'
export {
  createProseChecker,
  type ProseChecker,
  type ProseCheckerOptions,
  type ProseFindings,
} from './prose/create-prose-checker.ts'
export type { Refusal, RefusalCode } from './refusal.ts'
export { BUILT_IN_MODEL, composeReport, type ReportInput } from './report/compose-report.ts'
export type { Rejection, Report, ReportItem, Suspect } from './report/report.ts'
export {
  parseReportSettings,
  readReportSettings,
  REPORT_SETTINGS_FILE,
  type ReportSettings,
  reportSettingsOf,
} from './report/report-settings.ts'
export { reviewAndRevise, reviewReport, reviseReport } from './report/review-report.ts'
export { type WrittenFiles, writeFilesOnce } from './report/write-files-once.ts'
export { type ReportFiles, writeReport } from './report/write-report.ts'
export { type Extraction, extractStatements } from './statements/extract-statements.ts'
export { type Checker, CHECKER_OF, type CheckTask, planChecks } from './statements/plan-checks.ts'
export type { Statement, StatementKind } from './statements/statement.ts'
