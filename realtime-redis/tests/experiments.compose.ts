import { composeExperiments } from '@lab/lab/testing/compose-experiments.ts'

await composeExperiments('realtime-redis')
