import { useCallback, useId, useState } from 'react'
import { NEXT, STATUSES, type Status } from '../../../redis/statuses.ts'
import type { Api } from '../api.ts'
import { useFetched } from '../hooks/useFetched.ts'
import type { PizzaOrder } from '../state.ts'
import { amount, counted, exactTime, priceOf, STATUS_WORDS, STEP_WORDS, shortId, time } from '../words.ts'
import { CancelButton, Facts, PanelHead, type PanelProps, SetStatusButton, StatusBadge } from './parts.tsx'

const PAGE_SIZES = [10, 25, 100] as const

/** All orders: found by status and by text, page by page, with what can be done to each. */
export function OrdersPanel({ api, orders, isKnown, act }: PanelProps) {
  const [status, setStatus] = useState<Status | ''>('')
  const [text, setText] = useState('')
  const [size, setSize] = useState<number>(PAGE_SIZES[0])
  const [page, setPage] = useState(0)
  const [open, setOpen] = useState<string>()
  const titleId = useId()

  const found = orders.filter((order) => (status === '' || order.status === status) && has(order, text))
  const pages = Math.max(1, Math.ceil(found.length / size))
  // What was the last page may be gone.
  const at = Math.min(page, pages - 1)
  const shown = found.slice(at * size, (at + 1) * size)
  const anew = <Value,>(set: (value: Value) => void) => {
    return (value: Value) => {
      set(value)
      setPage(0)
    }
  }
  const [onStatus, onText, onSize] = [anew(setStatus), anew(setText), anew(setSize)]
  return (
    <>
      <PanelHead title="Orders">Every order there is, newest first.</PanelHead>
      <section aria-labelledby={titleId}>
        <div className="filters">
          <h2 id={titleId} tabIndex={-1}>
            {isKnown ? counted(found.length, 'order') : 'Not known yet…'}
          </h2>
          <label className="field">
            <span>Search</span>
            <input
              type="search"
              value={text}
              maxLength={100}
              placeholder="Pizza, person, address or id"
              onChange={({ target }) => onText(target.value)}
            />
          </label>
          <label className="field">
            <span>Status</span>
            <select value={status} onChange={({ target }) => onStatus(target.value as Status | '')}>
              <option value="">All</option>
              {STATUSES.map((one) => (
                <option key={one} value={one}>
                  {STATUS_WORDS[one]}
                </option>
              ))}
            </select>
          </label>
          <label className="field">
            <span>Per page</span>
            <select value={size} onChange={({ target }) => onSize(Number(target.value))}>
              {PAGE_SIZES.map((one) => (
                <option key={one}>{one}</option>
              ))}
            </select>
          </label>
        </div>
        {isKnown && found.length === 0 && (
          <p className="empty">{orders.length === 0 ? 'There is no order yet.' : 'No order is like that.'}</p>
        )}
        {shown.length > 0 && (
          <table className="orders">
            <thead>
              <tr>
                <th scope="col">Pizza</th>
                <th scope="col">Customer</th>
                <th scope="col">Driver</th>
                <th scope="col" className="number">
                  Price
                </th>
                <th scope="col">Status</th>
                <th scope="col">Changed</th>
                <th scope="col">Next</th>
              </tr>
            </thead>
            {shown.map((order) => (
              <tbody key={order.id}>
                <tr>
                  <th scope="row">
                    <button
                      type="button"
                      className="link"
                      aria-expanded={open === order.id}
                      onClick={() => setOpen(open === order.id ? undefined : order.id)}
                    >
                      <bdi>{order.pizza_name}</bdi>
                    </button>
                    <span className="by">
                      <bdi>{order.supplier_name}</bdi> · <code>{shortId(order.id)}</code>
                    </span>
                  </th>
                  <td data-label="Customer">
                    {order.customer_name ? <bdi>{order.customer_name}</bdi> : '–'}
                  </td>
                  <td data-label="Driver">{order.driver_name ? <bdi>{order.driver_name}</bdi> : '–'}</td>
                  <td data-label="Price" className="number">
                    {amount(priceOf(order)?.total ?? order.supplier_price)}
                  </td>
                  <td data-label="Status">
                    <StatusBadge status={order.status} />
                  </td>
                  <td data-label="Changed" className="changed">
                    {time(order.updated_at)}
                  </td>
                  <td className="next">
                    {NEXT[order.status].map((next) =>
                      next === 'cancelled' ? (
                        <CancelButton key={next} order={order} api={api} act={act} />
                      ) : (
                        STEP_WORDS[next] && (
                          <SetStatusButton
                            key={next}
                            status={next}
                            words={STEP_WORDS[next]}
                            order={order}
                            api={api}
                            act={act}
                          />
                        )
                      ),
                    )}
                  </td>
                </tr>
                {open === order.id && (
                  <tr className="details">
                    <td colSpan={7}>
                      <Details order={order} api={api} />
                    </td>
                  </tr>
                )}
              </tbody>
            ))}
          </table>
        )}
        {pages > 1 && (
          <nav className="pages" aria-label="Pages of orders">
            <button type="button" className="quiet" disabled={at === 0} onClick={() => setPage(at - 1)}>
              Newer
            </button>
            <span>
              Page {at + 1} of {pages}
            </span>
            <button
              type="button"
              className="quiet"
              disabled={at === pages - 1}
              onClick={() => setPage(at + 1)}
            >
              Older
            </button>
          </nav>
        )}
      </section>
    </>
  )
}

function has(order: PizzaOrder, text: string): boolean {
  const { id, pizza_name, supplier_name, customer_name, delivery_address, driver_name } = order
  const all = [id, pizza_name, supplier_name, customer_name, delivery_address, driver_name].join('\n')
  return all.toLowerCase().includes(text.trim().toLowerCase())
}

/** What else is known of an order, and all that happened to it. */
function Details({ order, api }: { order: PizzaOrder; api: Api }) {
  const { id, updated_at } = order
  // biome-ignore lint/correctness/useExhaustiveDependencies: its trail grows when the order changes
  const getTrail = useCallback((signal: AbortSignal) => api.trail(id, signal), [api, id, updated_at])
  const getTracking = useCallback((signal: AbortSignal) => api.tracking(id, signal), [api, id])
  const trail = useFetched(getTrail)
  const tracking = useFetched(getTracking)
  return (
    <div className="columns">
      <Facts>
        {[
          ['Id', id],
          ['Address', order.delivery_address],
          ['Notes', order.supplier_notes],
          ['Minutes', order.estimated_delivery_time],
          ['Base and markup', `${amount(order.supplier_price)} + ${order.markup_percentage} %`],
          ['Tracking id', tracking.answer?.tracking_id],
          ['Supplier tracking id', tracking.answer?.supplier_tracking_id],
        ]}
      </Facts>
      <ol className="trail">
        {trail.answer?.map(({ seq, event_type, timestamp }) => (
          <li key={seq}>
            <code>{event_type}</code> <span>{exactTime(timestamp)}</span>
          </li>
        ))}
        {trail.failure && <li className="bad">{trail.failure}</li>}
      </ol>
    </div>
  )
}
