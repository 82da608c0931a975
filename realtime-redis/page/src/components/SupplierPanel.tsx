import { type FormEvent, useRef, useState } from 'react'
import { newKey } from '../api.ts'
import { STEP_WORDS } from '../words.ts'
import {
  CancelButton,
  CardForm,
  CardHead,
  Facts,
  Field,
  PanelHead,
  type PanelProps,
  Price,
  Section,
  SetStatusButton,
  StepButton,
  valuesOf,
} from './parts.tsx'

/** Create orders, accept or reject them, prepare what was bought. */
export function SupplierPanel({ api, orders, isKnown, act }: PanelProps) {
  const at = (...statuses: string[]) => orders.filter(({ status }) => statuses.includes(status))
  return (
    <>
      <PanelHead title="Supplier">Offer pizzas, say when they will be there, and bake them.</PanelHead>
      <div className="with-side">
        <NewOrderForm api={api} />
        <div>
          <Section
            title="To answer"
            orders={at('pending_supplier')}
            isKnown={isKnown}
            empty="Nothing waits for you."
          >
            {(order) => (
              <>
                <CardHead order={order} />
                <Price order={order} />
                <CardForm
                  does="Answer"
                  order={order}
                  submit="Accept"
                  onSubmit={(value) => {
                    const [notes, minutes] = [value('notes'), Number(value('estimated_time'))]
                    act(
                      order,
                      {
                        status: 'supplier_accepted',
                        supplier_notes: notes || null,
                        estimated_delivery_time: minutes || null,
                      },
                      () =>
                        api.respond(order.id, {
                          accept: true,
                          ...(notes && { notes }),
                          ...(minutes && { estimated_time: minutes }),
                        }),
                    )
                  }}
                  more={<Reject order={order} api={api} act={act} />}
                >
                  <Field label="Notes" name="notes" maxLength={500} isOptional />
                  <Field label="Minutes" name="estimated_time" type="number" min={1} max={1440} isOptional />
                </CardForm>
              </>
            )}
          </Section>
          <Section
            title="In the kitchen"
            orders={at('customer_accepted', 'preparing')}
            isKnown={isKnown}
            empty="Nothing to bake."
          >
            {(order) => (
              <>
                <CardHead order={order} />
                <Facts>
                  {[
                    ['Customer', order.customer_name],
                    ['Address', order.delivery_address],
                    ['Notes', order.supplier_notes],
                  ]}
                </Facts>
                <div className="actions">
                  {order.status === 'preparing' ? (
                    <SetStatusButton
                      status="ready"
                      words={STEP_WORDS.ready!}
                      order={order}
                      api={api}
                      act={act}
                    />
                  ) : (
                    <SetStatusButton
                      status="preparing"
                      words={STEP_WORDS.preparing!}
                      order={order}
                      api={api}
                      act={act}
                    />
                  )}
                  <CancelButton order={order} api={api} act={act} />
                </div>
              </>
            )}
          </Section>
          <Section
            title="On offer"
            orders={at('supplier_accepted')}
            isKnown={isKnown}
            empty="Nothing that customers could buy."
          >
            {(order) => (
              <>
                <CardHead order={order} />
                <Price order={order} />
                <div className="actions">
                  <CancelButton order={order} api={api} act={act} />
                </div>
              </>
            )}
          </Section>
          <Section
            title="Out of the house"
            orders={at('ready', 'dispatched', 'in_transit', 'delivered')}
            isKnown={isKnown}
            empty="Nothing yet."
          >
            {(order) => (
              <>
                <CardHead order={order} />
                <Facts>
                  {[
                    ['Customer', order.customer_name],
                    ['Driver', order.driver_name],
                  ]}
                </Facts>
              </>
            )}
          </Section>
        </div>
      </div>
    </>
  )
}

/** With what is in the notes as its reason. */
function Reject({
  order,
  api,
  act,
}: { order: PanelProps['orders'][number] } & Pick<PanelProps, 'api' | 'act'>) {
  const place = useRef<HTMLSpanElement>(null)
  return (
    <span ref={place}>
      <StepButton
        isQuiet
        label={`Reject ${order.pizza_name}`}
        onClick={() => {
          const notes = valuesOf(place.current!.closest('form')!)('notes')
          act(order, { status: 'supplier_rejected', supplier_notes: notes || null }, () =>
            api.respond(order.id, { accept: false, ...(notes && { notes }) }),
          )
        }}
      >
        Reject
      </StepButton>
    </span>
  )
}

/** Sent again after no answer it is the same order: its key changes only with what is in it. */
function NewOrderForm({ api }: Pick<PanelProps, 'api'>) {
  const [preview, setPreview] = useState({ supplier_price: 10, markup_percentage: 30 })
  const [outcome, setOutcome] = useState<{ text: string; isBad: boolean }>()
  const [isSending, setSending] = useState(false)
  const key = useRef(newKey())

  const send = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    if (isSending) return
    const form = event.currentTarget
    const value = valuesOf(form)
    const pizza_name = value('pizza_name')
    setSending(true)
    setOutcome(undefined)
    try {
      await api.create(
        {
          supplier_name: value('supplier_name'),
          pizza_name,
          supplier_price: Number(value('supplier_price')),
          markup_percentage: Number(value('markup_percentage')),
        },
        key.current,
      )
      key.current = newKey()
      const field = form.elements.namedItem('pizza_name') as HTMLInputElement
      field.value = ''
      field.focus()
      setOutcome({ text: `Created: ${pizza_name}`, isBad: false })
    } catch (err) {
      setOutcome({ text: `Not created: ${(err as Error).message}`, isBad: true })
    } finally {
      setSending(false)
    }
  }
  return (
    <form
      className="side"
      aria-label="New pizza"
      onSubmit={send}
      onInput={({ currentTarget }) => {
        const value = valuesOf(currentTarget)
        key.current = newKey()
        setPreview({
          supplier_price: Number(value('supplier_price')),
          markup_percentage: Number(value('markup_percentage')),
        })
      }}
    >
      <h2>New pizza</h2>
      <Field label="Supplier" name="supplier_name" maxLength={100} autoComplete="organization" />
      <Field label="Pizza" name="pizza_name" maxLength={100} />
      <div className="pair">
        <Field
          label="Base price"
          name="supplier_price"
          type="number"
          min={0.01}
          max={10000}
          step={0.01}
          defaultValue="10.00"
        />
        <Field
          label="Markup %"
          name="markup_percentage"
          type="number"
          min={0}
          max={1000}
          step={0.01}
          defaultValue={30}
        />
      </div>
      <Price order={{ ...preview, customer_price: null }} />
      <button type="submit" aria-disabled={isSending}>
        {isSending ? 'Creating…' : 'Create order'}
      </button>
      <p className={`outcome ${outcome?.isBad ? 'bad' : ''}`} role="status">
        {outcome && <bdi>{outcome.text}</bdi>}
      </p>
    </form>
  )
}
