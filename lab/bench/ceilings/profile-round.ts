import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { roleOf, type StartTrioOptions, trioSpec } from '../../trio.ts'
import type { ThroughputOptions } from '../throughput.ts'
import { openMeasuredPart } from './measured-part.ts'
import { aggregate, CpuProfile } from './profile.ts'
import type { Profile } from './results.ts'

/** One round with V8's profiler in every service: it slows them down, so no figure but the shares is taken from it. */
export async function profileRound(
  options: Omit<ThroughputOptions, 'orders'>,
  orders: number,
): Promise<Profile[]> {
  const { run } = options.session
  const folder = await run.sub(join('profiles', options.part))
  const { services } = trioSpec(options.part)
  const serviceEnv: NonNullable<StartTrioOptions['serviceEnv']> = {}
  for (const { name } of services) {
    serviceEnv[roleOf(options.part, name)!] = {
      NODE_OPTIONS: `--cpu-prof --cpu-prof-dir="${join(folder, name)}"`,
    }
  }
  const window = await loadOnce({ ...options, serviceEnv }, orders)
  return Promise.all(
    services.map(async ({ name }) => aggregate(name, await readProfile(join(folder, name)), window)),
  )
}

/** Loads the part once and stops it, which writes the profiles; answers between which moments it was under load. */
async function loadOnce(options: Omit<ThroughputOptions, 'orders'>, orders: number) {
  await using opened = new AsyncDisposableStack()
  const part = await openMeasuredPart(options, opened)
  await part.segment(Math.ceil(orders / 4), 'profile, warming up')
  const fromUs = monotonicUs()
  await part.segment(orders, 'profile')
  const toUs = monotonicUs()
  await part.audit()
  return { fromUs, toUs }
}

/** The clock that V8 stamps its samples with. */
const monotonicUs = () => Number(process.hrtime.bigint() / 1_000n)

async function readProfile(folder: string): Promise<CpuProfile> {
  const [file] = await readdir(folder)
  if (file === undefined) throw new Error(`no profile was written to ${folder}`)
  return CpuProfile.parse(JSON.parse(await readFile(join(folder, file), 'utf8')))
}
