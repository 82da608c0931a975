import { useCallback } from 'react'
import { PROGRESS } from '../../../redis/statuses.ts'
import type { Api, Delivery } from '../api.ts'
import { useFetched } from '../hooks/useFetched.ts'
import type { ShownOrder } from '../state.ts'
import { time } from '../words.ts'
import { Facts } from './parts.tsx'

const STEPS = [
  ['Dispatched', 33, 'dispatched_at'],
  ['On the way', 66, 'in_transit_at'],
  ['Delivered', 100, 'delivered_at'],
] as const

/** How far a driver has come with an order; nothing before there is one. */
export function DeliveryTracker({ order, api }: { order: ShownOrder; api: Api }) {
  const progress = PROGRESS[order.status]
  if (progress === undefined) return null
  return <Tracker key={order.id} order={order} api={api} progress={progress} />
}

function Tracker({ order, api, progress }: { order: ShownOrder; api: Api; progress: number }) {
  const { id, updated_at } = order
  // biome-ignore lint/correctness/useExhaustiveDependencies: what the platform says changes with the order
  const get = useCallback((signal: AbortSignal) => api.delivery(id, signal), [api, id, updated_at])
  const { answer } = useFetched<Delivery>(order.isHoped ? undefined : get)
  return (
    <div className="tracker">
      <div className="way">
        <div
          className="progress"
          role="progressbar"
          aria-label={`Delivery of ${order.pizza_name}`}
          aria-valuemin={0}
          aria-valuemax={100}
          aria-valuenow={progress}
        >
          <div className="fill" style={{ width: `${progress}%` }} />
        </div>
        <span aria-hidden="true">{progress} %</span>
        <ol>
          {STEPS.map(([word, percent, moment]) => {
            const at = answer?.timeline[moment]
            return (
              <li key={word} className={progress >= percent ? 'done' : ''}>
                {word}
                <span className="when">{at ? time(at) : '–'}</span>
              </li>
            )
          })}
        </ol>
      </div>
      <Facts>
        {[
          ['Driver', order.driver_name],
          ['Phone', answer?.driver_phone],
          ['Arrives about', progress < 100 && answer ? time(answer.estimated_arrival) : null],
        ]}
      </Facts>
    </div>
  )
}
