import './app.css'
import { mount } from 'svelte'
import App from './App.svelte'
import { brokerUrl } from './lib/config.ts'
import { connectKitchen, type Wiring } from './lib/mqtt.ts'
import { createStore } from './lib/store.ts'

/** Not `crypto.randomUUID`: a page over plain HTTP from another machine, a phone's for instance, has none. */
function uuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5')
}

const store = createStore({ now: () => Date.now(), newId: uuid, storage: sessionStorage })
let wiring: Wiring | undefined

mount(App, {
  target: document.body,
  props: { store, flush: () => wiring?.flush(), tryNow: () => wiring?.tryNow() },
})

// The client is by far the largest piece: the page is there before it.
const [{ default: mqtt }, url] = await Promise.all([import('mqtt'), brokerUrl()])
wiring = connectKitchen({ url, store, connect: mqtt.connect, clientId: `page-${uuid()}` })

addEventListener('online', () => wiring?.tryNow())
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') wiring?.tryNow()
})
