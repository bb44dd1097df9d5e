export { type Created, createProject, PROJECT_KINDS, type ProjectKind, type ProjectOptions } from './create-project.ts'
