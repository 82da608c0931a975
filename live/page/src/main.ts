import './app.css'
import { mount } from 'svelte'
import App from './App.svelte'
import { createStream } from './lib/stream.ts'

const stream = createStream()
addEventListener('online', () => stream.tryNow())
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') stream.tryNow()
})

mount(App, { target: document.body, props: { stream } })
