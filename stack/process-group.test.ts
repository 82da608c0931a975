import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { pauseGroup, signalGroup } from './process-group.ts'

/** Two processes that write without a pause: a shell and the command it waits for. */
async function writers() {
  const loop = 'setInterval(() => process.stdout.write("."), 1)'
  const child = spawn('/bin/sh', ['-c', `"${process.execPath}" -e '${loop}'; true`], { detached: true })
  onTestFinished(() => signalGroup(child.pid!, 'SIGKILL'))
  let written = 0
  child.stdout.on('data', (data: Buffer) => {
    written += data.length
  })
  await once(child.stdout, 'data')
  return { pgid: child.pid!, written: () => written, more: () => once(child.stdout, 'data') }
}

/** What is in the pipe is read; nothing more can come from a process that stands still. */
const twoTurns = () => new Promise((resolve) => setTimeout(resolve, 50))

test('a paused group does nothing more, and goes on when it is resumed', async () => {
  const { pgid, written, more } = await writers()

  await pauseGroup(pgid)
  await twoTurns()
  const before = written()
  await twoTurns()
  expect(written()).toBe(before)

  signalGroup(pgid, 'SIGCONT')
  await more()
  expect(written()).toBeGreaterThan(before)
})

test('a group without anybody is paused at once', async () => {
  const { pgid } = await writers()
  signalGroup(pgid, 'SIGKILL')

  await expect(pauseGroup(pgid)).resolves.toBeUndefined()
})
