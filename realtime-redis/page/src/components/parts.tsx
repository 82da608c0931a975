import { type FormEvent, type ReactNode, useEffect, useId, useState } from 'react'
import type { Status } from '../../../redis/statuses.ts'
import type { Api } from '../api.ts'
import type { PizzaOrder } from '../state.ts'
import { amount, priceOf, STATUS_WORDS, shortId, time } from '../words.ts'

/** Shows what a click will have done, asks for it, and undoes it when it is refused. */
export type Act = (order: PizzaOrder, changes: Partial<PizzaOrder>, ask: () => Promise<PizzaOrder>) => void

export interface PanelProps {
  api: Api
  /** Newest first. */
  orders: readonly PizzaOrder[]
  /** False until the first orders have come: then nothing is known, not even that there is nothing. */
  isKnown: boolean
  act: Act
}

export function PanelHead({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="panel-head">
      <h1>{title}</h1>
      <p>{children}</p>
    </div>
  )
}

interface SectionProps {
  title: string
  orders: readonly PizzaOrder[]
  isKnown: boolean
  empty: string
  children: (order: PizzaOrder) => ReactNode
}

const FEW = 12

/** Orders of one kind; of many only the newest, until more are asked for. */
export function Section({ title, orders, isKnown, empty, children }: SectionProps) {
  const id = useId()
  const [most, setMost] = useState(FEW)
  const rest = orders.length - most
  return (
    <section className="section" aria-labelledby={id}>
      <h2 id={id} tabIndex={-1}>
        {title} {isKnown && <span className="count">{orders.length}</span>}
      </h2>
      {!isKnown && <p className="empty">Not known yet…</p>}
      {isKnown && orders.length === 0 && <p className="empty">{empty}</p>}
      <ul className="cards">
        {orders.slice(0, most).map((order) => (
          <li className="card" key={order.id}>
            {children(order)}
          </li>
        ))}
      </ul>
      {rest > 0 && (
        <button type="button" className="quiet" onClick={() => setMost(most + FEW)}>
          Show {Math.min(rest, FEW)} more of {rest}
        </button>
      )}
    </section>
  )
}

export function CardHead({ order }: { order: PizzaOrder }) {
  return (
    <div className="card-head">
      <div>
        <h3>
          <bdi>{order.pizza_name}</bdi>
        </h3>
        <p className="by">
          <bdi>{order.supplier_name}</bdi> · {time(order.created_at)} · <code>{shortId(order.id)}</code>
        </p>
      </div>
      <StatusBadge status={order.status} />
    </div>
  )
}

export const StatusBadge = ({ status }: { status: Status }) => (
  <span className={`badge ${status}`}>{STATUS_WORDS[status]}</span>
)

type Priced = Pick<PizzaOrder, 'supplier_price' | 'markup_percentage' | 'customer_price'>

/** Base and markup, and what they are together. */
export function Price({ order }: { order: Priced }) {
  const price = priceOf(order)
  return (
    <dl className="price">
      <div>
        <dt>Base price</dt>
        <dd>{price ? amount(price.base) : '–'}</dd>
      </div>
      <div>
        <dt>Markup{price && ` ${order.markup_percentage} %`}</dt>
        <dd>{price ? `+ ${amount(price.markup)}` : '–'}</dd>
      </div>
      <div className="total">
        <dt>Customer pays</dt>
        <dd>{price ? amount(price.total) : '–'}</dd>
      </div>
    </dl>
  )
}

export function Facts({
  children,
}: {
  children: [name: string, value: string | number | null | undefined][]
}) {
  const told = children.filter(([, value]) => value)
  if (told.length === 0) return null
  return (
    <dl className="facts">
      {told.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <bdi>{value}</bdi>
          </dd>
        </div>
      ))}
    </dl>
  )
}

interface FieldProps {
  label: string
  name: string
  type?: 'text' | 'number' | 'tel'
  isOptional?: boolean
  maxLength?: number
  min?: number
  max?: number
  step?: number
  defaultValue?: string | number
  autoComplete?: string
}

export function Field({
  label,
  isOptional = false,
  type = 'text',
  autoComplete = 'off',
  ...input
}: FieldProps) {
  return (
    <label className="field">
      <span>
        {label}
        {isOptional && <span className="optional"> optional</span>}
      </span>
      <input type={type} required={!isOptional} autoComplete={autoComplete} {...input} />
    </label>
  )
}

export type Values = (name: string) => string

interface CardFormProps {
  order: PizzaOrder
  does: string
  submit: string
  onSubmit: (values: Values) => void
  children: ReactNode
  more?: ReactNode
}

/** A form after which its card is elsewhere: the focus stays in the section it was sent from. */
export function CardForm({ order, does, submit, onSubmit, children, more }: CardFormProps) {
  const send = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    stayInSection(event.currentTarget)
    onSubmit(valuesOf(event.currentTarget))
  }
  return (
    <form
      className="card-form"
      aria-label={`${does} ${order.pizza_name} ${shortId(order.id)}`}
      onSubmit={send}
    >
      <div className="fields">{children}</div>
      <div className="actions">
        <button type="submit">{submit}</button>
        {more}
      </div>
    </form>
  )
}

export const valuesOf = (form: HTMLFormElement): Values => {
  const data = new FormData(form)
  return (name) => String(data.get(name) ?? '').trim()
}

export function stayInSection(from: Element): void {
  from.closest('section')?.querySelector<HTMLElement>('h2')?.focus()
}

interface StepProps {
  children: ReactNode
  label: string
  onClick: () => void
  isQuiet?: boolean
}

export function StepButton({ children, label, onClick, isQuiet = false }: StepProps) {
  return (
    <button
      type="button"
      className={isQuiet ? 'quiet' : ''}
      aria-label={label}
      onClick={(event) => {
        stayInSection(event.currentTarget)
        onClick()
      }}
    >
      {children}
    </button>
  )
}

const SURE_MS = 4_000

/** Cannot be undone, so it is asked for twice. */
export function CancelButton({ order, api, act }: { order: PizzaOrder } & Pick<PanelProps, 'api' | 'act'>) {
  const [isAsked, setAsked] = useState(false)
  useEffect(() => {
    if (!isAsked) return
    const timer = setTimeout(() => setAsked(false), SURE_MS)
    return () => clearTimeout(timer)
  }, [isAsked])
  return (
    <button
      type="button"
      className={`quiet ${isAsked ? 'danger' : ''}`}
      aria-label={`${isAsked ? 'Really cancel' : 'Cancel'} ${order.pizza_name}`}
      onClick={(event) => {
        if (!isAsked) return setAsked(true)
        stayInSection(event.currentTarget)
        act(order, { status: 'cancelled' }, () => api.setStatus(order.id, 'cancelled'))
      }}
    >
      {isAsked ? 'Really cancel?' : 'Cancel'}
    </button>
  )
}

export function SetStatusButton({
  order,
  status,
  words,
  api,
  act,
}: { order: PizzaOrder; status: Status; words: string } & Pick<PanelProps, 'api' | 'act'>) {
  return (
    <StepButton
      label={`${words}: ${order.pizza_name}`}
      onClick={() => act(order, { status }, () => api.setStatus(order.id, status))}
    >
      {words}
    </StepButton>
  )
}
