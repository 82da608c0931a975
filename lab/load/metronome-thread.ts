import { parentPort, workerData } from 'node:worker_threads'
import { CONTROL, type MetronomeMemory, now } from './metronome.ts'

const { control, dueAt } = workerData as MetronomeMemory

for (;;) {
  const armed = Atomics.load(control, CONTROL.armed)
  if (Atomics.load(control, CONTROL.isStopped) === 1) break
  const left = dueAt[0]! - now()
  // Woken before the time is up: armed anew, or stopped.
  if (left > 0 && Atomics.wait(control, CONTROL.armed, armed, left) !== 'timed-out') continue
  parentPort?.postMessage(0)
  Atomics.wait(control, CONTROL.armed, armed)
}
