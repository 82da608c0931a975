/** So many test files that start processes run side by side, each in a lane of its own; they mostly wait. */
export const LANES = 2

/** The lane of this test worker, from 0: vitest hands the number of a worker that has ended to the next one. */
export const laneOfWorker = (): number => Number(process.env.VITEST_POOL_ID) - 1
