import { createRequire } from 'node:module'
import { guardDecoding } from '@lab/kit/kafkajs-decoding.ts'
import { countingAllOf, guardRequestQueue } from '@lab/kit/kafkajs-guards.ts'

const require = createRequire(import.meta.url)
guardRequestQueue(require)
guardDecoding(require)

export const countingAll = countingAllOf(require)
