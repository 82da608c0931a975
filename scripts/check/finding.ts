/** One thing a check has to say. A `note` is worth reading and never fails the check. */
export interface Finding {
  message: string
  file?: string
  line?: number
  severity?: 'note'
}

export interface Check {
  name: string
  about: string
  /** Everything wrong under `root`, the folder of package.json; empty when the check holds. */
  run: (root: string) => Finding[] | Promise<Finding[]>
  /** Rewrites the files that the check compares. */
  write?: (root: string) => Promise<void>
}

export const isFailure = (finding: Finding): boolean => finding.severity !== 'note'
