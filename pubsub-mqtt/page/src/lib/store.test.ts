import { describe, expect, test } from 'vitest'
import { MAX_OUTGOING } from './outgoing.ts'
import { createStore, type Delivery, type View } from './store.ts'
import type { FoodEvent, KitchenOrder, TableState } from './types.ts'

const EPOCH = 1_700_000_000_000

function memory(): Pick<Storage, 'getItem' | 'setItem'> {
  const values = new Map<string, string>()
  return { getItem: (key) => values.get(key) ?? null, setItem: (key, value) => void values.set(key, value) }
}

/** A page that is connected; a second one on the same storage is the first after a reload. */
function open({ storage = memory(), connected = true } = {}) {
  let time = EPOCH
  let ids = 0
  const store = createStore({ now: () => time, newId: () => `own-${++ids}`, storage })
  let view!: View
  store.subscribe((next) => {
    view = next
  })
  if (connected) store.connected()
  const table = (number = 1) => view.tables[number - 1]!
  const rows = (number = 1) =>
    [...table(number).active, ...table(number).finished].map(({ orderId, status }) => `${orderId} ${status}`)
  return {
    store,
    storage,
    view: () => view,
    table,
    rows,
    state: (state: Partial<TableState> = {}) => {
      const whole = { ...tableState(), ...state }
      store.received(`restaurant/state/${whole.table}`, JSON.stringify(whole), { isRetained: true })
    },
    food: (event: Partial<FoodEvent> = {}) => {
      const whole = { orderId: 'a', table: 1, food: 'Pizza', status: 'ready', prepMs: 900, ...event }
      store.received(`restaurant/foods/${whole.table}`, JSON.stringify(whole), { isRetained: false })
    },
    presence: (kitchen: string, status: 'online' | 'offline', delivery: Partial<Delivery> = {}) =>
      store.received(`restaurant/kitchens/${kitchen}`, JSON.stringify({ kitchen, status, ts: time }), {
        isRetained: false,
        ...delivery,
      }),
    pass: (ms: number) => {
      time += ms
      store.tick()
    },
  }
}

const tableState = (): TableState => ({
  epoch: EPOCH,
  seq: 1,
  table: 1,
  finished: 0,
  orders: [],
  errors: [],
})

const cooking = (orderId: string, more: Partial<KitchenOrder> = {}): KitchenOrder => ({
  orderId,
  food: 'Pizza',
  status: 'cooking',
  ts: EPOCH,
  ...more,
})

describe('an order of this window', () => {
  test('is waiting until there is a connection and a kitchen, then sent, then what the kitchen says', () => {
    const { store, rows, state, presence } = open({ connected: false })
    expect(store.order(1, '  Pizza ')).toBeUndefined()
    expect(rows()).toEqual(['own-1 unsent'])

    store.connected()
    // What the broker kept may be older than its restart.
    presence('k1', 'online', { isRetained: true })
    expect(store.due()).toEqual([])
    presence('k1', 'online')
    expect(store.due()).toEqual([{ orderId: 'own-1', table: 1, food: 'Pizza', ts: EPOCH }])
    expect(rows()).toEqual(['own-1 sent'])

    state({ orders: [cooking('own-1')] })
    expect(rows()).toEqual(['own-1 cooking'])
  })

  test('that waited for the connection is sent without a kitchen too, a little later', () => {
    const { store, pass } = open({ connected: false })
    store.order(1, 'Pizza')
    store.connected()
    pass(2_999)
    expect(store.due()).toEqual([])
    pass(1)
    expect(store.due()).toHaveLength(1)
  })

  test('that is typed while there is a connection is sent at once', () => {
    const { store } = open()
    store.order(1, 'Pizza')
    expect(store.due()).toHaveLength(1)
  })

  test('is sent again, with the same id, only while no kitchen shows it', () => {
    const { store, pass, state } = open()
    store.order(1, 'Pizza')
    const [first] = store.due()
    pass(4_999)
    expect(store.due()).toEqual([])
    pass(1)
    expect(store.due()).toEqual([first])
    pass(9_999)
    expect(store.due()).toEqual([])
    pass(1)
    expect(store.due()).toEqual([first])

    state({ orders: [cooking('own-1')] })
    pass(120_000)
    expect(store.due()).toEqual([])
  })

  test('needs no state when its food is there', () => {
    const { store, rows, food, pass } = open()
    store.order(1, 'Pizza')
    store.due()
    food({ orderId: 'own-1' })
    pass(60_000)
    expect(store.due()).toEqual([])
    expect(rows()).toEqual(['own-1 ready'])
  })

  test('waits a moment after a new connection for the state that shows it', () => {
    const { store, pass, state } = open()
    store.order(1, 'Pizza')
    store.due()
    pass(5_000)
    store.offline('no answer')
    pass(1_000)
    store.connected()
    expect(store.due()).toEqual([])
    state({ orders: [cooking('own-1')] })
    pass(60_000)
    expect(store.due()).toEqual([])
  })

  test('is sent again soon when a kitchen comes', () => {
    const { store, pass, presence } = open()
    store.order(1, 'Pizza')
    store.due()
    for (let seconds = 0; seconds < 70; seconds++) {
      pass(1_000)
      store.due()
    }
    presence('k1', 'online')
    expect(store.due()).toEqual([])
    pass(1_000)
    expect(store.due()).toHaveLength(1)
  })

  test('survives a reload of the window, sent or not', () => {
    const { store, storage } = open({ connected: false })
    store.order(1, 'Pizza')
    store.order(2, 'Soup')

    const reloaded = open({ storage, connected: false })
    expect(reloaded.rows(1)).toEqual(['own-1 unsent'])
    expect(reloaded.rows(2)).toEqual(['own-2 unsent'])
    reloaded.store.connected()
    reloaded.presence('k1', 'online')
    expect(reloaded.store.due()).toHaveLength(2)

    const again = open({ storage })
    expect(again.rows(1)).toEqual(['own-1 sent'])
  })

  test('can be taken back as long as no broker has it', () => {
    const { store, rows } = open({ connected: false })
    store.order(1, 'Pizza')
    store.takeBack('own-1')
    expect(rows()).toEqual([])

    store.connected()
    store.order(1, 'Soup')
    store.due()
    store.takeBack('own-2')
    expect(rows()).toEqual(['own-2 sent'])
  })

  test('that the broker refuses is an error, and is not sent again', () => {
    const { store, rows, view, pass } = open()
    store.order(3, 'Pizza')
    store.refuse(store.due()[0]!, 'not allowed')
    pass(60_000)
    expect(store.due()).toEqual([])
    expect(rows(3)).toEqual([])
    expect(view().errors).toMatchObject([{ table: 3, food: 'Pizza', error: 'not allowed' }])
  })

  test.each([
    ['', 'Type a food first'],
    ['   ', 'Type a food first'],
    ['x'.repeat(101), 'A food has at most 100 characters'],
  ])('is not taken when it says %j', (typed, why) => {
    const { store, rows } = open()
    expect(store.order(1, typed)).toBe(why)
    expect(rows()).toEqual([])
  })

  test('is not taken when too many wait', () => {
    const { store } = open({ connected: false })
    for (let count = 0; count < MAX_OUTGOING; count++) expect(store.order(1, 'Pizza')).toBeUndefined()
    expect(store.order(2, 'Pizza')).toContain('no more are taken')
  })

  test('is kept when the window may not store anything', () => {
    const broken = {
      getItem: () => {
        throw new Error('denied')
      },
      setItem: () => {
        throw new Error('denied')
      },
    }
    const { store, rows } = open({ storage: broken })
    store.order(1, 'Pizza')
    expect(rows()).toEqual(['own-1 unsent'])
  })
})

describe('what the kitchen says', () => {
  test('of a table is shown as it is: what is cooking first, and how long the rest took', () => {
    const { table, state } = open()
    state({ seq: 3, orders: [cooking('a', { status: 'ready', prepMs: 2_970 }), cooking('b')] })
    expect(table().active).toMatchObject([{ orderId: 'b', status: 'cooking' }])
    expect(table().finished).toMatchObject([{ orderId: 'a', status: 'ready', prepMs: 2_970 }])
  })

  test.each([
    ['an older one of the same kitchen', { epoch: EPOCH, seq: 4 }],
    ['the same one again', { epoch: EPOCH, seq: 5 }],
    ['one of a former kitchen, however long its count', { epoch: EPOCH - 1, seq: 99 }],
  ])('is not replaced by %s', (_what, older) => {
    const { rows, state } = open()
    state({ seq: 5, orders: [cooking('new')] })
    state({ ...older, orders: [cooking('old')] })
    expect(rows()).toEqual(['new cooking'])
  })

  test('makes an order ready at once, and no late state sets it back', () => {
    const { rows, state, food, table } = open()
    state({ seq: 5, orders: [cooking('a')] })
    food({ orderId: 'a' })
    expect(rows()).toEqual(['a ready'])
    state({ seq: 6, orders: [cooking('a')] })
    expect(rows()).toEqual(['a ready'])
    state({ seq: 7, orders: [cooking('a', { status: 'ready', prepMs: 910 })] })
    expect(table().finished).toMatchObject([{ orderId: 'a', status: 'ready', prepMs: 910 }])
  })

  test('twice is shown once', () => {
    const { rows, state, food, view } = open()
    food({ orderId: 'a' })
    food({ orderId: 'a' })
    expect(rows()).toEqual(['a ready'])
    food({ orderId: 'e', status: 'error', error: 'kitchen is full' })
    food({ orderId: 'e', status: 'error', error: 'kitchen is full' })
    expect(view().errors).toHaveLength(1)
    const refused = cooking('e', { status: 'error', error: 'kitchen is full' })
    state({ orders: [cooking('a', { status: 'ready' }), refused] })
    expect(rows()).toEqual(['a ready', 'e error'])
    expect(view().errors).toMatchObject([{ table: 1, error: 'kitchen is full', times: 1 }])
  })

  test('is all there is when it sends foods alone, as the seed’s does', () => {
    const { rows, food, pass } = open()
    food({ orderId: 'a' })
    food({ orderId: 'b', food: 'Soup' })
    pass(60_000)
    expect(rows()).toEqual(['b ready', 'a ready'])
  })

  test('of a message that was no order is an error of its table, or of none', () => {
    const { view, state, food } = open()
    food({ orderId: '', table: 0, food: '', status: 'error', error: 'invalid order: not JSON' })
    expect(view().errors).toMatchObject([{ table: 0, error: 'invalid order: not JSON', times: 1 }])
    const error = { orderId: '', food: '', error: 'invalid order: not JSON', ts: EPOCH }
    state({ table: 0, errors: [error, error] })
    expect(view().errors).toMatchObject([{ table: 0, error: 'invalid order: not JSON', times: 2 }])
    food({ orderId: 'no-uuid', food: '', status: 'error', error: 'invalid order: orderId' })
    expect(view().errors).toMatchObject([{ table: 0 }, { table: 1, error: 'invalid order: orderId' }])
    expect(view().tables.flatMap(({ active, finished }) => [...active, ...finished])).toEqual([])
  })

  test.each([
    ['restaurant/state/1', 'no JSON'],
    ['restaurant/state/1', 'null'],
    ['restaurant/state/1', '{"epoch":1}'],
    ['restaurant/state/1', JSON.stringify({ ...tableState(), seq: 9, orders: [{ orderId: 1 }] })],
    ['restaurant/state/1', JSON.stringify({ ...tableState(), seq: 9, orders: [cooking('x', { ts: 9e15 })] })],
    ['restaurant/state/1', JSON.stringify({ ...tableState(), seq: 9, errors: ['x'] })],
    ['restaurant/foods/1', '[]'],
    ['restaurant/foods/1', '{"orderId":"a","food":"Pizza","status":"burnt"}'],
    ['restaurant/foods/1', '{"orderId":"a","food":{},"status":"ready"}'],
    ['restaurant/kitchens/k', ''],
    ['somewhere/else', '{}'],
    ['', ''],
  ])('changes nothing when %s brings %s', (topic, text) => {
    const { store, state, view } = open()
    state({ seq: 5, orders: [cooking('a')] })
    const before = view()
    store.received(topic, text, { isRetained: false })
    expect(view()).toEqual(before)
  })

  test('names no order twice, whoever wrote it', () => {
    const { rows, state } = open()
    state({ orders: [cooking('a'), cooking('a')] })
    expect(rows()).toEqual(['a cooking'])
  })

  test('is bounded by what is remembered of foods without a state', () => {
    const { rows, food } = open()
    for (let count = 0; count < 200; count++) food({ orderId: `f${count}` })
    expect(rows()).toHaveLength(50)
    expect(rows()[0]).toBe('f199 ready')
  })
})

describe('what was missed', () => {
  test('is nothing for a window that looks for the first time', () => {
    const { state, view } = open()
    state({ finished: 400 })
    expect(view().missed).toEqual({ finished: 0, unlisted: 0, newKitchen: false })
  })

  test('is what was finished while the connection was away', () => {
    const { store, state, view, pass } = open()
    state({ seq: 5, finished: 2 })
    state({ seq: 6, finished: 3 })
    expect(view().missed.finished).toBe(0)
    store.offline('no answer')
    expect(view().asOf).toBe(EPOCH)
    pass(60_000)
    store.connected()
    state({ seq: 20, finished: 10 })
    expect(view().missed).toEqual({ finished: 7, unlisted: 0, newKitchen: false })
    state({ seq: 21, finished: 11 })
    expect(view().missed.finished).toBe(7)
    store.forgetMissed()
    expect(view().missed.finished).toBe(0)
  })

  test('is what was finished while the window was reloaded', () => {
    const { state, storage } = open()
    state({ seq: 5, finished: 2 })
    const reloaded = open({ storage })
    reloaded.state({ seq: 8, finished: 4 })
    expect(reloaded.view().missed.finished).toBe(2)
  })

  test('says how many of them are not listed any more', () => {
    const { store, state, view } = open()
    state({ seq: 5, finished: 2 })
    store.offline('no answer')
    store.connected()
    state({ seq: 90, finished: 64 })
    expect(view().missed).toMatchObject({ finished: 62, unlisted: 12 })
  })

  test('is everything when the kitchen has a new memory; orders not sent yet stay', () => {
    const { store, state, view, rows } = open()
    state({ seq: 5, finished: 2, orders: [cooking('a')] })
    store.offline('no answer')
    store.order(1, 'Soup')
    store.connected()
    state({ epoch: EPOCH + 1, seq: 1, finished: 0 })
    expect(view().missed).toEqual({ finished: 0, unlisted: 0, newKitchen: true })
    expect(rows()).toEqual(['own-1 unsent'])
  })

  test('is nothing when the first state after a reload is an older one', () => {
    const { state, storage } = open()
    state({ seq: 5, finished: 7 })
    const reloaded = open({ storage })
    reloaded.state({ seq: 4, finished: 6 })
    reloaded.state({ seq: 5, finished: 7 })
    expect(reloaded.view().missed.finished).toBe(0)
  })
})

describe('the kitchens', () => {
  test('are not known before there was time to hear of one', () => {
    const { store, view, pass, presence, table } = open({ connected: false })
    expect(view().kitchens).toBeUndefined()
    expect(table().news).toBe('pending')
    store.connected()
    pass(999)
    expect(view().kitchens).toBeUndefined()
    pass(1)
    expect(view().kitchens).toBe(0)
    expect(table().news).toBe('none')
    presence('k1', 'online')
    presence('k2', 'online')
    expect(view().kitchens).toBe(2)
  })

  test('are gone with their last will, or when nothing is heard of them', () => {
    const { view, pass, presence } = open()
    presence('k1', 'online')
    presence('k2', 'online', { expirySeconds: 12 })
    pass(12_000)
    expect(view().kitchens).toBe(1)
    presence('k1', 'offline')
    expect(view().kitchens).toBe(0)
    presence('k1', 'online')
    pass(29_999)
    expect(view().kitchens).toBe(1)
    pass(1)
    expect(view().kitchens).toBe(0)
  })

  test('are not known while there is no connection', () => {
    const { store, view, presence } = open()
    presence('k1', 'online')
    store.offline('no answer')
    expect(view()).toMatchObject({
      kitchens: undefined,
      connection: { status: 'offline', reason: 'no answer' },
    })
  })
})

test('what happens is said to people who do not see the page', () => {
  const { food, view } = open()
  food({ orderId: 'a', table: 2 })
  expect(view().announcement).toBe('Pizza is ready at table 2')
  food({ orderId: 'b', status: 'error', error: 'kitchen is full' })
  expect(view().announcement).toBe('Error at table 1: Pizza: kitchen is full')
})
