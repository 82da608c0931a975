import { messageOf } from '@lab/kit/errors.ts'
import { z } from 'zod'
import { asJson, notFinite } from './json.ts'
import { ExperimentRecord } from './results.ts'

/** Why a record cannot be part of `results.json`, with the first field that is wrong; undefined when it can. */
export function unwritable(record: object): string | undefined {
  const number = notFinite(record)
  if (number) return `${number.field} is ${number.value}`
  try {
    ExperimentRecord.parse(asJson(record))
    return undefined
  } catch (err) {
    if (!(err instanceof z.ZodError)) return messageOf(err)
    const [{ path, message }] = err.issues as [z.core.$ZodIssue]
    return `${z.core.toDotPath(path)}: ${message}`
  }
}
