import type { Experiment } from '@lab/lab/experiments/experiment.ts'
import type { RunCommand } from './command-line.ts'
import { oneOf, UsageError } from './suggest.ts'

/**
 * The experiments the words stand for, each once and in the order of the list: a name, a part, the beginning of names, a
 * pattern with `*`, or `all`. A word that stands for none throws and suggests the nearest name.
 */
export function chooseExperiments(words: string[] | 'all', experiments: Experiment[]): Experiment[] {
  const chosen = new Set(words === 'all' ? experiments : words.flatMap((word) => standFor(word, experiments)))
  return experiments.filter((experiment) => chosen.has(experiment))
}

function standFor(word: string, experiments: Experiment[]): Experiment[] {
  if (word === 'all') return experiments
  const exact = experiments.filter(({ name, part }) => name === word || part === word)
  if (exact.length > 0) return exact
  const matching = experiments.filter(({ name }) => patternOf(word).test(name))
  if (matching.length > 0) return matching
  const known = new Set(experiments.flatMap(({ name, part }) => [name, part]))
  oneOf('experiment', word, [...known])
  return []
}

/** `rest` is the beginning `rest-`; `*` stands for anything. */
export function patternOf(word: string): RegExp {
  const [head = '', ...tail] = word.split('*').map((text) => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return tail.length === 0 ? new RegExp(`^${head}-`) : new RegExp(`^${[head, ...tail].join('.*')}$`)
}

/** Throws when a chosen experiment has no such profile, or no cases that `--only` could choose from. */
export function refuseUnfit(
  chosen: Experiment[],
  { profile, only }: Pick<RunCommand, 'profile' | 'only'>,
  experiments: Experiment[],
): void {
  const refuse = (option: string, fits: (experiment: Experiment) => boolean) => {
    const unfit = chosen.find((experiment) => !fits(experiment))
    if (!unfit) return
    const known = experiments.filter(fits).map(({ name }) => name)
    throw new UsageError(`${unfit.name} does not take ${option}; these do: ${known.join(', ')}`)
  }
  refuse(`--profile ${profile}`, ({ profiles }) => profiles[profile] !== undefined)
  if (only !== undefined) refuse('--only', ({ profiles }) => profiles.default.only !== undefined)
}
