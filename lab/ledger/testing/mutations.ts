import type { AnomalyType } from '../anomaly.ts'
import { effectMutations } from './effect-mutations.ts'
import { orderMutations } from './order-mutations.ts'
import type { World } from './world.ts'

/** One thing that goes wrong. Changes the world and answers the order it happened to; undefined where it cannot happen. */
export interface Mutation {
  plants: AnomalyType
  how: string
  apply: (world: World, pick: <T>(from: T[]) => T | undefined) => string | undefined
}

export const mutations: Mutation[] = [...orderMutations, ...effectMutations]
