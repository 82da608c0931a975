// Vitest reads this name only; a workspace file it finds on its own is ignored without a word.
export { default } from './vitest.workspace.ts'
