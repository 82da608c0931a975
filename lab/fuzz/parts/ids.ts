import { derivedId, orderIdForKey } from '@lab/common/ids.ts'

/** Orders that are placed before anything is fuzzed, to be found by id. */
export const KNOWN = 20

export const keyOf = (seed: number, number: number): string => `known-${seed}-${number}`

/** Ids that requests and messages use again and again: of orders that are there, and of as many that are not yet. */
export const idsFor = (seed: number): string[] =>
  Array.from({ length: KNOWN }, (_, at) => [
    orderIdForKey(keyOf(seed, at)),
    derivedId('fuzz', String(seed), String(at)),
  ]).flat()
