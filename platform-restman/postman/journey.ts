import type { Folder, Person, Step } from './collection.ts'

/** The scripts of Postman speak the language of its `pm` object. */
const KNOWN_MAILS = (person: Person) => [
  `if (pm.environment.get('mail_url')) pm.sendRequest(pm.environment.replaceIn('{{mail_url}}/api/v1/search?query=to:%22{{${person}_email}}%22'), (err, response) => {`,
  `  pm.environment.set('known_mails', err ? '' : response.json().messages.map(({ ID }) => ID).join())`,
  '})',
]
/** Where there is a mail catcher the code is read from it; where there is none it is typed into the variable `otp`. */
const READ_CODE = (person: Person) => [
  'let tries = 0',
  'const look = () => pm.sendRequest(',
  `  pm.environment.replaceIn('{{mail_url}}/api/v1/search?query=to:%22{{${person}_email}}%22'),`,
  '  (err, response) => {',
  `    const known = pm.environment.get('known_mails') || ''`,
  '    const mail = err ? undefined : response.json().messages.find(({ ID, Snippet }) => !known.includes(ID) && /\\b\\d{6}\\b/.test(Snippet))',
  `    if (mail) pm.environment.set('otp', /\\b\\d{6}\\b/.exec(mail.Snippet)[0])`,
  '    else if (tries++ < 80) setTimeout(look, 250)',
  '  },',
  ')',
  `if (pm.environment.get('mail_url')) look()`,
]

const signIn = (person: Person): Step[] => [
  {
    route: 'POST /api/auth/request-otp',
    name: `Ask for a code (${person})`,
    body: { email: `{{${person}_email}}` },
    status: 202,
    before: KNOWN_MAILS(person),
  },
  {
    route: 'POST /api/auth/verify-otp',
    name: `Sign in with the code (${person})`,
    body: { email: `{{${person}_email}}`, otp: '{{otp}}' },
    status: 200,
    before: READ_CODE(person),
    keep: { [`${person}_token`]: 'session_token', [`${person}_id`]: 'user.user_id' },
  },
]

const health = [
  'auth',
  'restaurants',
  'categories',
  'foods',
  'orders',
  'kitchen',
  'billing',
  'analytics',
  'scheduler',
].map((word): Step => ({ route: `GET /api/${word}/health`, name: `Health: ${word}`, status: 200 }))

/** Every route, in an order in which a newcomer could send them. */
export const journey: Folder[] = [
  {
    name: '1 Health',
    steps: [{ route: 'GET /health', name: 'Health: gateway', status: 200 }, ...health],
  },
  {
    name: '2 Sign in',
    steps: [
      ...signIn('admin'),
      { route: 'GET /api/auth/me', as: 'admin', status: 200 },
      {
        route: 'POST /api/auth/roles',
        name: 'Make somebody an owner',
        as: 'admin',
        body: { email: '{{owner_email}}', role: 'owner' },
        status: 200,
      },
      ...signIn('owner'),
      ...signIn('customer'),
    ],
  },
  {
    name: '3 Restaurant and menu',
    steps: [
      {
        route: 'POST /api/restaurants',
        as: 'owner',
        body: { name: 'Trattoria Ada', address: '1 Campus Square', cuisine: 'Italian' },
        status: 201,
        keep: { restaurant_id: 'restaurant_id' },
      },
      { route: 'GET /api/restaurants', as: 'customer', query: { limit: '20' }, status: 200 },
      { route: 'GET /api/restaurants/{restaurant_id}', as: 'customer', status: 200 },
      {
        route: 'PUT /api/restaurants/{restaurant_id}',
        as: 'owner',
        body: { name: 'Trattoria Ada', address: '2 Campus Square', cuisine: 'Italian', is_open: true },
        status: 200,
      },
      {
        route: 'POST /api/categories',
        as: 'owner',
        body: { restaurant_id: '{{restaurant_id}}', name: 'Pizza', position: 1 },
        status: 201,
        keep: { category_id: 'category_id' },
      },
      {
        route: 'GET /api/categories',
        as: 'customer',
        query: { restaurant_id: '{{restaurant_id}}' },
        status: 200,
      },
      { route: 'GET /api/categories/{category_id}', as: 'customer', status: 200 },
      {
        route: 'PUT /api/categories/{category_id}',
        as: 'owner',
        body: { name: 'Pizze', position: 2 },
        status: 200,
      },
      {
        route: 'POST /api/foods',
        as: 'owner',
        body: { category_id: '{{category_id}}', name: 'Pizza Margherita', price: 12.5 },
        status: 201,
        keep: { food_id: 'food_id' },
      },
      { route: 'GET /api/foods', as: 'customer', query: { restaurant_id: '{{restaurant_id}}' }, status: 200 },
      { route: 'GET /api/foods/{food_id}', as: 'customer', status: 200 },
      {
        route: 'PUT /api/foods/{food_id}',
        as: 'owner',
        body: {
          category_id: '{{category_id}}',
          name: 'Pizza Margherita',
          description: 'Tomato, mozzarella, basil',
          price: 12.75,
        },
        status: 200,
      },
      {
        route: 'PATCH /api/foods/{food_id}/availability',
        as: 'owner',
        body: { is_available: true },
        status: 200,
      },
      { route: 'GET /api/restaurants/{restaurant_id}/menu', as: 'customer', status: 200 },
    ],
  },
  {
    name: '4 Order',
    steps: [
      {
        route: 'POST /api/orders',
        name: 'Order two pizzas',
        as: 'customer',
        headers: { 'Idempotency-Key': '{{$guid}}' },
        body: { restaurant_id: '{{restaurant_id}}', items: [{ food_id: '{{food_id}}', quantity: 2 }] },
        status: 201,
        keep: { order_id: 'order_id' },
      },
      { route: 'GET /api/orders', as: 'customer', status: 200 },
      { route: 'GET /api/orders/{order_id}', as: 'customer', status: 200 },
      { route: 'GET /api/orders/{order_id}/why', as: 'customer', status: 200 },
    ],
  },
  {
    name: '5 Kitchen',
    steps: [
      {
        route: 'POST /api/auth/roles',
        name: 'Make somebody a cook of the restaurant',
        as: 'admin',
        body: { email: '{{kitchen_email}}', role: 'kitchen', restaurant_id: '{{restaurant_id}}' },
        status: 200,
      },
      ...signIn('kitchen'),
      {
        route: 'GET /api/kitchen/tickets',
        as: 'kitchen',
        query: { status: 'PENDING' },
        status: 200,
        until: 'answer.length > 0',
        keep: { ticket_id: '0.ticket_id' },
      },
      { route: 'GET /api/kitchen/tickets/{ticket_id}', as: 'kitchen', status: 200 },
      { route: 'GET /api/kitchen/tickets/order/{order_id}', as: 'kitchen', status: 200 },
      ...['PREPARING', 'READY', 'DELIVERED'].map(
        (status): Step => ({
          route: 'PATCH /api/kitchen/tickets/{ticket_id}/status',
          name: `The ticket is ${status}`,
          as: 'kitchen',
          body: { status },
          status: 200,
        }),
      ),
      {
        route: 'GET /api/orders/{order_id}',
        name: 'The order is delivered',
        as: 'customer',
        status: 200,
        until: "answer.status === 'delivered'",
      },
    ],
  },
  {
    name: '6 Billing',
    steps: [
      {
        route: 'GET /api/billing/bills/order/{order_id}',
        as: 'customer',
        status: 200,
        until: 'answer.total === 28.05 && answer.tax === 2.55',
        keep: { bill_id: 'bill_id' },
      },
      { route: 'GET /api/billing/bills', as: 'customer', status: 200 },
      { route: 'GET /api/billing/bills/{bill_id}', as: 'customer', status: 200 },
      { route: 'POST /api/billing/bills/{bill_id}/pay', as: 'customer', status: 200 },
    ],
  },
  {
    name: '7 Analytics',
    steps: [
      {
        route: 'GET /api/analytics/top-foods',
        as: 'owner',
        query: { limit: '10', restaurant_id: '{{restaurant_id}}' },
        status: 200,
        until: 'answer.length > 0',
      },
      {
        route: 'GET /api/analytics/revenue',
        as: 'owner',
        query: { restaurant_id: '{{restaurant_id}}' },
        status: 200,
        until: 'answer.total.paid === 28.05',
      },
      { route: 'GET /api/analytics/orders-by-status', as: 'owner', status: 200 },
    ],
  },
  {
    name: '8 Scheduler',
    steps: [
      { route: 'GET /api/scheduler/jobs', as: 'admin', status: 200 },
      { route: 'POST /api/scheduler/jobs/{job}/run', as: 'admin', status: 200 },
      { route: 'GET /api/scheduler/days/{day}', as: 'admin', status: 404 },
      { route: 'GET /api/scheduler/orders/{order_id}/road', as: 'customer', status: 200 },
    ],
  },
  {
    name: '9 Clean up',
    steps: [
      {
        route: 'POST /api/orders',
        name: 'Order one more',
        as: 'customer',
        body: { restaurant_id: '{{restaurant_id}}', items: [{ food_id: '{{food_id}}', quantity: 1 }] },
        status: 201,
        keep: { order_id: 'order_id' },
      },
      { route: 'POST /api/orders/{order_id}/cancel', as: 'customer', status: 200 },
      { route: 'DELETE /api/foods/{food_id}', as: 'owner', status: 204 },
      { route: 'DELETE /api/categories/{category_id}', as: 'owner', status: 204 },
      { route: 'DELETE /api/restaurants/{restaurant_id}', as: 'owner', status: 204 },
      ...(['kitchen', 'owner', 'customer', 'admin'] as const).map(
        (person): Step => ({
          route: 'POST /api/auth/logout',
          name: `Log out (${person})`,
          as: person,
          status: 204,
        }),
      ),
    ],
  },
]

/** Where the platform is as `npm run lab -- up platform-restman` and compose start it, and who takes part. */
export const environment = {
  gateway_url: 'http://localhost:8000',
  mail_url: 'http://localhost:8025',
  admin_email: 'user@example.com',
  owner_email: 'owner@example.com',
  kitchen_email: 'kitchen@example.com',
  customer_email: 'customer@example.com',
  otp: '',
  job: 'clean',
  day: '2000-01-01',
}
