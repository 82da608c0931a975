import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

export interface MetronomeMemory {
  control: Int32Array<SharedArrayBuffer>
  dueAt: Float64Array<SharedArrayBuffer>
}

export const CONTROL = { armed: 0, isStopped: 1 } as const

/** Milliseconds of the machine's monotonic clock, the same in all threads of this process. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6

/**
 * Wakes the event loop at a given time, to about a tenth of a millisecond. A thread sleeps on a futex in place of
 * `setTimeout`, whose whole milliseconds would be added to every latency that counts from the intended time.
 */
export async function startMetronome(onBeat: () => void) {
  const memory: MetronomeMemory = {
    control: new Int32Array(new SharedArrayBuffer(8)),
    dueAt: new Float64Array(new SharedArrayBuffer(8)),
  }
  const { control, dueAt } = memory
  dueAt[0] = Infinity
  const thread = new Worker(new URL('./metronome-thread.ts', import.meta.url), {
    workerData: memory,
    execArgv: [],
  })
  const exited = once(thread, 'exit')
  await once(thread, 'online')
  thread.on('message', onBeat)

  const wake = () => {
    Atomics.add(control, CONTROL.armed, 1)
    Atomics.notify(control, CONTROL.armed)
  }
  return {
    /** Beats once at this time (of `now()`), or at once when it has passed. A beat not yet due is moved. */
    arm(at: number) {
      dueAt[0] = at
      wake()
    },
    async stop() {
      Atomics.store(control, CONTROL.isStopped, 1)
      wake()
      await exited
    },
  }
}
