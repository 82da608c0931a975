import { messageOf } from '@lab/kit/errors.ts'
import type { Db } from '../../shared/db/db.ts'
import { cleanEvents } from '../../shared/db/maintenance.ts'

export interface CleanDeps {
  db: Db
  /** Asks a service to forget what it has told and heard longer ago; answers what it forgot, in a few words. */
  askToClean: (service: string, olderThanHours: number) => Promise<string>
  services: string[]
  keepHours: number
}

/**
 * Has every service forget the events that it published and heard long ago, and those sessions and codes that are over; each
 * forgets its own, as no service enters another's database. One that is away is asked the next time.
 */
export function clean({ db, askToClean, services, keepHours }: CleanDeps): () => Promise<string> {
  const older = `$1::float8 * interval '1 hour'`
  return async () => {
    const asked = services.map(async (service) => {
      const answer = await askToClean(service, keepHours).catch((err) => `away (${messageOf(err)})`)
      return `${service} ${answer}`
    })
    const road = await db.query(`delete from road where seen_at < now() - ${older} returning event_id`, [
      keepHours,
    ])
    const { outbox, inbox } = await cleanEvents(db, keepHours)
    const told = await Promise.all(asked)
    return [`scheduler-service road ${road.length}, outbox ${outbox}, inbox ${inbox}`, ...told].join('; ')
  }
}
