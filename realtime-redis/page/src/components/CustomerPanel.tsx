import { DeliveryTracker } from './DeliveryTracker.tsx'
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
} from './parts.tsx'

/** View what suppliers offer, with what it costs, and buy it. */
export function CustomerPanel({ api, orders, isKnown, act }: PanelProps) {
  const at = (...statuses: string[]) => orders.filter(({ status }) => statuses.includes(status))
  return (
    <>
      <PanelHead title="Customer">Choose a pizza and follow it to your door.</PanelHead>
      <Section
        title="On offer"
        orders={at('supplier_accepted')}
        isKnown={isKnown}
        empty="No pizza is on offer. It appears here as soon as a supplier accepts one."
      >
        {(order) => (
          <>
            <CardHead order={order} />
            <Price order={order} />
            <Facts>
              {[
                ['Takes about', order.estimated_delivery_time && `${order.estimated_delivery_time} min`],
                ['Notes', order.supplier_notes],
              ]}
            </Facts>
            <CardForm
              does="Order"
              order={order}
              submit="Order"
              onSubmit={(value) => {
                const customer = {
                  customer_name: value('customer_name'),
                  delivery_address: value('delivery_address'),
                }
                act(order, { status: 'customer_accepted', ...customer }, () => api.buy(order.id, customer))
              }}
            >
              <Field label="Your name" name="customer_name" maxLength={100} autoComplete="name" />
              <Field label="Address" name="delivery_address" maxLength={300} autoComplete="street-address" />
            </CardForm>
          </>
        )}
      </Section>
      <Section
        title="Ordered"
        orders={at('customer_accepted', 'preparing', 'ready', 'dispatched', 'in_transit')}
        isKnown={isKnown}
        empty="Nothing is on its way."
      >
        {(order) => (
          <>
            <CardHead order={order} />
            <Price order={order} />
            <Facts>
              {[
                ['For', order.customer_name],
                ['To', order.delivery_address],
              ]}
            </Facts>
            <DeliveryTracker order={order} api={api} />
            {!['dispatched', 'in_transit'].includes(order.status) && (
              <div className="actions">
                <CancelButton order={order} api={api} act={act} />
              </div>
            )}
          </>
        )}
      </Section>
      <Section title="Delivered" orders={at('delivered')} isKnown={isKnown} empty="Nothing yet.">
        {(order) => (
          <>
            <CardHead order={order} />
            <Facts>
              {[
                ['For', order.customer_name],
                ['To', order.delivery_address],
              ]}
            </Facts>
            <DeliveryTracker order={order} api={api} />
          </>
        )}
      </Section>
    </>
  )
}
