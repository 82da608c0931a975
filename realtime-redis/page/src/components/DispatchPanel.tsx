import { STEP_WORDS } from '../words.ts'
import { DeliveryTracker } from './DeliveryTracker.tsx'
import {
  CardForm,
  CardHead,
  Facts,
  Field,
  PanelHead,
  type PanelProps,
  Section,
  SetStatusButton,
} from './parts.tsx'

/** Assign drivers to what is ready, and say where they are. */
export function DispatchPanel({ api, orders, isKnown, act }: PanelProps) {
  const at = (...statuses: string[]) => orders.filter(({ status }) => statuses.includes(status))
  return (
    <>
      <PanelHead title="Dispatch">Give each pizza a driver, and see it delivered.</PanelHead>
      <Section
        title="Ready for pickup"
        orders={at('ready')}
        isKnown={isKnown}
        empty="Nothing waits for a driver."
      >
        {(order) => (
          <>
            <CardHead order={order} />
            <Facts>
              {[
                ['For', order.customer_name],
                ['To', order.delivery_address],
              ]}
            </Facts>
            <CardForm
              does="Dispatch"
              order={order}
              submit="Dispatch"
              onSubmit={(value) => {
                const [driver_name, driver_phone] = [value('driver_name'), value('driver_phone')]
                act(order, { status: 'dispatched', driver_name }, () =>
                  api.dispatch(order.id, { driver_name, ...(driver_phone && { driver_phone }) }),
                )
              }}
            >
              <Field label="Driver" name="driver_name" maxLength={100} />
              <Field label="Phone" name="driver_phone" type="tel" maxLength={40} isOptional />
            </CardForm>
          </>
        )}
      </Section>
      <Section
        title="On the road"
        orders={at('dispatched', 'in_transit')}
        isKnown={isKnown}
        empty="No driver is on the road."
      >
        {(order) => {
          const next = order.status === 'dispatched' ? 'in_transit' : 'delivered'
          return (
            <>
              <CardHead order={order} />
              <Facts>{[['To', order.delivery_address]]}</Facts>
              <DeliveryTracker order={order} api={api} />
              <div className="actions">
                <SetStatusButton status={next} words={STEP_WORDS[next]!} order={order} api={api} act={act} />
              </div>
            </>
          )
        }}
      </Section>
      <Section title="Delivered" orders={at('delivered')} isKnown={isKnown} empty="Nothing yet.">
        {(order) => (
          <>
            <CardHead order={order} />
            <DeliveryTracker order={order} api={api} />
          </>
        )}
      </Section>
    </>
  )
}
