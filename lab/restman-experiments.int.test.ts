import { parts } from '../parts.ts'
import { restmanJourney } from './experiments/restman-journey.ts'
import { experimentsOn } from './testing/experiments-on.ts'

const { servers } = parts.find(({ name }) => name === 'platform-restman')!

await experimentsOn(servers, 'the RestMan experiments', [restmanJourney])
