import type { Experiment } from '@lab/lab/experiments/experiment.ts'
import { didYouMean } from '@lab/lab/near.ts'
import type { RunCommand } from './command-line.ts'
import { likeWord, oneOf, UsageError } from './suggest.ts'

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
  const matching = likeWord(word, experiments)
  if (matching.length > 0) return matching
  const known = new Set(experiments.flatMap(({ name, part }) => [name, part]))
  oneOf('experiment', word, [...known])
  return []
}

/**
 * Throws when a chosen experiment has no such profile, no cases that `--only` could choose from, or nothing that runs in
 * containers.
 */
export function refuseUnfit(
  chosen: Experiment[],
  { profile, only, against }: Pick<RunCommand, 'profile' | 'only' | 'against'>,
  experiments: Experiment[],
): void {
  const refuse = (option: string, fits: (experiment: Experiment) => boolean) => {
    const unfit = chosen.find((experiment) => !fits(experiment))
    if (!unfit) return
    const known = experiments.filter(fits).map(({ name }) => name)
    throw new UsageError(`${unfit.name} does not take ${option}; these do: ${known.join(', ')}`)
  }
  refuse(`--profile ${profile}`, ({ profiles }) => profiles[profile] !== undefined)
  const alone = against === 'compose' && chosen.find(({ isOfServer }) => isOfServer)
  if (alone)
    throw new UsageError(
      `${alone.name} does not take --against compose: it asks a server alone, none of ${alone.part}'s services`,
    )
  if (only === undefined) return
  refuse('--only', ({ profiles }) => profiles.default.only !== undefined)
  for (const { name, profiles, cases } of chosen) {
    const { all, chosen: left } = cases?.({ ...profiles[profile], only }) ?? { all: [], chosen: [only] }
    if (left.length > 0) continue
    const faults = [...new Set(all.map((label) => label.split(' × ')[0]!))]
    throw new UsageError(
      `--only: no case of ${name} (profile ${profile}) is like '${only}'.${didYouMean(only, faults)} There are ${all.length}, such as ${faults.slice(0, 4).join(', ')}; * stands for anything`,
    )
  }
}
