import { composeExperiments } from '@lab/lab/testing/compose-experiments.ts'

await composeExperiments('platform-restman', ['restman-journey', 'restman-replay', 'restman-outage'])
