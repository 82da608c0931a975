import type { RunningTrio } from '../trio.ts'

/** Whoever interrupts a run does not wait for orderly shutdowns, least of all for those of a part that is broken. */
export async function closePart({ services, close }: RunningTrio, signal: AbortSignal): Promise<void> {
  if (signal.aborted) await Promise.all(services.map((service) => service.kill()))
  await close()
}
