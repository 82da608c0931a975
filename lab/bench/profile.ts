import { join } from 'node:path'
import { roleOf, type StartTrioOptions, trioSpec } from '../trio.ts'
import { auditPart, type MeasuringOptions, withMeasuredPart } from './measured-part.ts'

/**
 * One round with V8's profiler in every service, which slows them down, so no figure is taken from it. Answers the folder,
 * among the logs, that has a `.cpuprofile` of each: Chrome's DevTools and speedscope open them.
 */
export async function profileRound(options: MeasuringOptions, orders: number): Promise<string> {
  const folder = join('logs', 'profiles', options.part)
  const path = await options.session.run.sub(folder)
  const serviceEnv: NonNullable<StartTrioOptions['serviceEnv']> = {}
  for (const { name } of trioSpec(options.part).services) {
    serviceEnv[roleOf(options.part, name)!] = {
      NODE_OPTIONS: `--cpu-prof --cpu-prof-dir="${path}" --cpu-prof-name=${name}.cpuprofile`,
    }
  }
  // The profiles are written when the services end.
  await withMeasuredPart({ ...options, serviceEnv }, async (part) => {
    await part.segment(orders, 'profile')
    await auditPart(part)
  })
  return folder
}
