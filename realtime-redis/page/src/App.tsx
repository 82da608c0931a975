import { type KeyboardEvent, useCallback, useMemo, useReducer, useRef, useState } from 'react'
import { type Api, Refused } from './api.ts'
import { Banners, Connection } from './components/Connection.tsx'
import { CustomerPanel } from './components/CustomerPanel.tsx'
import { DispatchPanel } from './components/DispatchPanel.tsx'
import { OrdersPanel } from './components/OrdersPanel.tsx'
import type { Act, PanelProps } from './components/parts.tsx'
import { SupplierPanel } from './components/SupplierPanel.tsx'
import { SystemDashboard } from './components/SystemDashboard.tsx'
import { useWebSocket } from './hooks/useWebSocket.ts'
import { initialState, type OrderEvent, reduce, shownOrders } from './state.ts'

const ROLES = {
  supplier: 'Supplier',
  customer: 'Customer',
  dispatch: 'Dispatch',
  orders: 'Orders',
  dashboard: 'Dashboard',
} as const
type Role = keyof typeof ROLES
const NAMES = Object.keys(ROLES) as Role[]

const roleIn = (text: string | null): Role | undefined => NAMES.find((name) => name === text)

/** The window of one role, as its address says, or of all of them by tabs. */
export function App({ api }: { api: Api }) {
  const [state, dispatch] = useReducer(reduce, initialState)
  const connection = useWebSocket(api, state, dispatch)
  const { orders: known, hopes } = state
  const orders = useMemo(() => shownOrders({ orders: known, hopes }), [known, hopes])
  const lastId = useRef(0)
  const act: Act = useCallback((order, changes, ask) => {
    const id = ++lastId.current
    dispatch({ type: 'hoped', id, orderId: order.id, changes })
    ask().then(
      (granted) => dispatch({ type: 'granted', id, order: granted }),
      (err: unknown) => dispatch({ type: 'refused', id, text: `${order.pizza_name}: ${reasonOf(err)}` }),
    )
  }, [])

  const role = roleIn(new URLSearchParams(location.search).get('role'))
  const panel = { api, orders, act, isKnown: state.epoch !== undefined, activity: state.activity }
  return (
    <>
      <header>
        <p className="brand">
          <img src="/icon.svg" alt="" width="28" height="28" /> Pizza platform
        </p>
        {role && (
          <nav aria-label="Roles">
            <a href="/">All roles</a>
          </nav>
        )}
        <Connection state={state} {...connection} />
      </header>
      {role ? (
        <main>
          <Banners state={state} dismiss={() => dispatch({ type: 'caught-up-dismissed' })} />
          <Panel role={role} {...panel} />
        </main>
      ) : (
        <Tabs
          banners={<Banners state={state} dismiss={() => dispatch({ type: 'caught-up-dismissed' })} />}
          {...panel}
        />
      )}
      <div className="notices" role="alert">
        <ul>
          {state.notices.map(({ id, text }) => (
            <li key={id}>
              <p>
                <strong>Undone.</strong> <bdi>{text}</bdi>
              </p>
              <button type="button" className="quiet" onClick={() => dispatch({ type: 'dismissed', id })}>
                Dismiss
              </button>
            </li>
          ))}
        </ul>
      </div>
    </>
  )
}

const reasonOf = (err: unknown) =>
  err instanceof Refused && err.status === undefined
    ? `${err.message}; what it made of this will be shown`
    : (err as Error).message

type AllProps = PanelProps & { activity: readonly OrderEvent[] }

function Panel({ role, activity, ...props }: AllProps & { role: Role }) {
  switch (role) {
    case 'supplier':
      return <SupplierPanel {...props} />
    case 'customer':
      return <CustomerPanel {...props} />
    case 'dispatch':
      return <DispatchPanel {...props} />
    case 'orders':
      return <OrdersPanel {...props} />
    case 'dashboard':
      return <SystemDashboard api={props.api} activity={activity} />
  }
}

function Tabs({ banners, ...props }: AllProps & { banners: React.ReactNode }) {
  const [chosen, setChosen] = useState<Role>(() => roleIn(location.hash.slice(1)) ?? 'supplier')
  const choose = (role: Role) => {
    setChosen(role)
    history.replaceState(null, '', `#${role}`)
  }
  const move = (event: KeyboardEvent<HTMLElement>) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
    if (step === undefined) return
    const next = NAMES[(NAMES.indexOf(chosen) + step + NAMES.length) % NAMES.length]!
    choose(next)
    document.getElementById(`tab-${next}`)?.focus()
  }
  return (
    <main>
      <div className="tabs" role="tablist" aria-label="Roles" onKeyDown={move}>
        {NAMES.map((name) => (
          <button
            key={name}
            id={`tab-${name}`}
            type="button"
            role="tab"
            aria-selected={name === chosen}
            aria-controls="panel"
            tabIndex={name === chosen ? 0 : -1}
            onClick={() => choose(name)}
          >
            {ROLES[name]}
          </button>
        ))}
      </div>
      {banners}
      <div id="panel" role="tabpanel" aria-labelledby={`tab-${chosen}`}>
        <Panel role={chosen} {...props} />
      </div>
    </main>
  )
}
