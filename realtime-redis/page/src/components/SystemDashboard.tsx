import { useId } from 'react'
import { STATUSES } from '../../../redis/statuses.ts'
import type { Api } from '../api.ts'
import { useFetched } from '../hooks/useFetched.ts'
import type { OrderEvent } from '../state.ts'
import { exactTime, STATUS_WORDS, time } from '../words.ts'
import { PanelHead, StatusBadge } from './parts.tsx'

/** As long as the platform keeps a state. */
const REFRESH_MS = 5_000

const TILES = [
  ['total_orders', 'Orders'],
  ['active_deliveries', 'Active deliveries'],
  ['completed_today', 'Delivered today'],
] as const

/** The platform in figures, as it counts them itself, and what happens right now. */
export function SystemDashboard({ api, activity }: { api: Api; activity: readonly OrderEvent[] }) {
  const { answer, failure } = useFetched(api.state, REFRESH_MS)
  const ids = [useId(), useId(), useId()] as const
  const statistics = answer?.statistics
  const most = Math.max(1, ...STATUSES.map((status) => statistics?.[status] ?? 0))
  return (
    <>
      <PanelHead title="Dashboard">
        {answer ? `As of ${exactTime(answer.last_updated)}, renewed every 5 s.` : 'Asking for the figures…'}
      </PanelHead>
      {failure && (
        <p className="banner bad" role="status">
          These figures are not renewed: {failure}.
        </p>
      )}
      <dl className="tiles">
        {TILES.map(([name, word]) => (
          <div key={name} className="tile">
            <dt>{word}</dt>
            <dd>{statistics?.[name] ?? '…'}</dd>
          </div>
        ))}
      </dl>
      <div className="columns">
        <section className="section box" aria-labelledby={ids[0]}>
          <h2 id={ids[0]}>By status</h2>
          <dl className="bars">
            {STATUSES.map((status) => (
              <div key={status}>
                <dt>{STATUS_WORDS[status]}</dt>
                <dd>
                  <span className="bar" style={{ width: `${(100 * (statistics?.[status] ?? 0)) / most}%` }} />
                  <span>{statistics?.[status] ?? '…'}</span>
                </dd>
              </div>
            ))}
          </dl>
        </section>
        <div>
          <section className="section box" aria-labelledby={ids[1]}>
            <h2 id={ids[1]}>
              Drivers on the road {answer && <span className="count">{answer.active_drivers.length}</span>}
            </h2>
            {answer?.active_drivers.length === 0 && <p className="empty">Nobody is.</p>}
            <ul className="rows">
              {answer?.active_drivers.slice(0, 10).map((driver) => (
                <li key={driver.order_id}>
                  <span>
                    <bdi>{driver.driver_name}</bdi>
                    <span className="by">
                      {driver.driver_phone && (
                        <>
                          <bdi>{driver.driver_phone}</bdi> ·{' '}
                        </>
                      )}
                      since {time(driver.dispatched_at)}
                    </span>
                  </span>
                  <StatusBadge status={driver.status} />
                </li>
              ))}
            </ul>
          </section>
          <section className="section box" aria-labelledby={ids[2]}>
            <h2 id={ids[2]}>Happening now</h2>
            {activity.length === 0 && <p className="empty">Nothing since this window was opened.</p>}
            <ul className="rows">
              {activity.map(({ seq, event_type, order, timestamp }) => (
                <li key={seq}>
                  <span>
                    <code>{event_type}</code>
                    <span className="by">
                      <bdi>{order.pizza_name}</bdi>
                    </span>
                  </span>
                  <span className="by">{exactTime(timestamp)}</span>
                </li>
              ))}
            </ul>
          </section>
        </div>
      </div>
    </>
  )
}
