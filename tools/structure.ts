/** `npm run structure`: the rules of the house that neither the compiler nor the linter can see, as one-line findings. */
import { fileURLToPath } from 'node:url'
import { type Finding, reportFindings } from './finding.ts'
import { checkContracts } from './structure/contracts.ts'
import { checkFiles } from './structure/files.ts'
import { checkImportCircles } from './structure/import-circles.ts'
import { checkModules } from './structure/modules.ts'
import { checkPackageImports } from './structure/package-imports.ts'
import { checkProjects } from './tsconfig.ts'

/** All findings of the tree at `root`, in the order in which one would mend them. */
export async function checkStructure(root: string): Promise<Finding[]> {
  return [
    ...checkModules(root),
    ...checkFiles(root),
    ...checkPackageImports(root),
    ...checkImportCircles(root),
    ...checkProjects(root),
    ...(await checkContracts(root)),
  ]
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  reportFindings(await checkStructure(process.cwd()), 'the house is in order')
}
