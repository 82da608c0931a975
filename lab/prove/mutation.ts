/** One way to break a guarantee on purpose: a small patch, and the check that has to notice it. */
export interface Mutation {
  name: string
  /** What is no longer true with it, in one line. */
  breaks: string
  file: string
  /** Occurs exactly once in the file. */
  find: string
  replace: string
  check: Check
}

/** A test file; `title` names the tests of it that are run, where running all of them takes long. */
export interface Check {
  test: string
  title?: string
}

/** The text with the mutation in it. Throws when the text it replaces is not there exactly once. */
export function mutated(text: string, { name, file, find, replace }: Mutation): string {
  const found = text.split(find).length - 1
  if (found !== 1) throw new Error(`${name}: ${file} has the text to replace ${found} times, not once`)
  return text.replace(find, () => replace)
}

/** A test that needs a broker or the processes of a part, started by the set-up of its project. */
export const needsSetUp = ({ test }: Check): boolean => test.endsWith('.int.test.ts')
