import { parts } from '../parts.ts'
import { restmanJourney } from './experiments/restman-journey.ts'
import { restmanOutage } from './experiments/restman-outage.ts'
import { restmanReplay } from './experiments/restman-replay.ts'
import { experimentsOn } from './testing/experiments-on.ts'

const { servers } = parts.find(({ name }) => name === 'platform-restman')!

await experimentsOn(servers, 'the RestMan experiments', [restmanJourney, restmanReplay, restmanOutage])
