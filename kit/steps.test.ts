import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { reachStep, reachStepOnceSent, STEP_CHANNEL } from './steps.ts'

function listen(): string[] {
  const names: string[] = []
  const note = (message: unknown) => void names.push((message as { name: string }).name)
  subscribe(STEP_CHANNEL, note)
  onTestFinished(() => void unsubscribe(STEP_CHANNEL, note))
  return names
}

describe('a step that is reached', () => {
  test('is told before the next line runs', () => {
    const names = listen()

    reachStep('rest.order-stored')

    expect(names).toEqual(['rest.order-stored'])
  })

  test('is told two turns later when it waits for bytes to leave', async () => {
    const names = listen()

    reachStepOnceSent('rabbit.event-sent')
    await turn()
    expect(names).toEqual([])
    await turn()

    expect(names).toEqual(['rabbit.event-sent'])
  })

  test('is told to nobody who comes later', async () => {
    reachStep('rest.order-stored')
    reachStepOnceSent('rabbit.event-sent')
    const names = listen()
    for (let turns = 0; turns < 3; turns++) await turn()

    expect(names).toEqual([])
  })
})
