import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { roleOf, type StartTrioOptions, trioSpec } from '../trio.ts'
import { auditPart, type MeasuringOptions, withMeasuredPart } from './measured-part.ts'

/** What of V8's `.cpuprofile` is read here. Times are in microseconds of the machine's monotonic clock. */
export const CpuProfile = z.object({
  nodes: z.array(
    z.object({
      id: z.int(),
      callFrame: z.object({ functionName: z.string(), url: z.string(), lineNumber: z.int() }),
    }),
  ),
  startTime: z.number(),
  samples: z.array(z.int()),
  timeDeltas: z.array(z.number()),
})
export type CpuProfile = z.infer<typeof CpuProfile>

/** Where the time of one process went. */
export interface Profile {
  process: string
  /** Sampled time that was not idle. */
  busy_ms: number
  idle_ms: number
  functions: { name: string; file: string; self_ms: number; share: number }[]
  packages: { name: string; self_ms: number; share: number }[]
}

const ROOT = resolve(import.meta.dirname, '../..')
const TOP = 10

/** Self time by function and by package, of the samples taken between two moments of the monotonic clock. */
export function aggregate(process: string, profile: CpuProfile, window: Window): Profile {
  const { idle = [], busy = [] } = Object.groupBy(samplesIn(profile, window), ({ name }) =>
    name === '(idle)' ? 'idle' : 'busy',
  )
  const topBy = (keyOf: (sample: Sample) => string) =>
    [...Map.groupBy(busy, keyOf).values()]
      .map((group) => ({ sample: group[0]!, self: selfOf(group) }))
      .toSorted((a, b) => b.self - a.self)
      .slice(0, TOP)
      .map(({ sample, self }) => ({ sample, self_ms: milliseconds(self), share: self / selfOf(busy) }))
  return {
    process,
    busy_ms: milliseconds(selfOf(busy)),
    idle_ms: milliseconds(selfOf(idle)),
    functions: topBy(({ name, file }) => `${name} ${file}`).map(({ sample: { name, file }, ...times }) => {
      return { name, file, ...times }
    }),
    packages: topBy(({ owner }) => owner).map(({ sample, ...times }) => ({ name: sample.owner, ...times })),
  }
}

interface Window {
  fromUs: number
  toUs: number
}

interface Sample {
  name: string
  /** With its line; empty for what has none. */
  file: string
  owner: string
  /** Microseconds. */
  self: number
}

const selfOf = (samples: Sample[]) => samples.reduce((sum, { self }) => sum + self, 0)
const milliseconds = (us: number) => Math.round(us / 100) / 10

function samplesIn(profile: CpuProfile, { fromUs, toUs }: Window): Sample[] {
  const places = new Map(profile.nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]))
  let at = profile.startTime
  return profile.samples.flatMap((id, i) => {
    const self = profile.timeDeltas[i] ?? 0
    at += self
    const place = places.get(id)
    return place && at >= fromUs && at <= toUs ? [{ ...place, self }] : []
  })
}

function placeOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']) {
  const file = url.startsWith('file:') ? relative(ROOT, fileURLToPath(url)) : url
  const name = functionName || '(anonymous)'
  return { name, file: file && `${file}:${lineNumber + 1}`, owner: packageOf(file, name) }
}

/** An installed package, a folder of the repository, `node`, or what V8 does by itself. */
function packageOf(file: string, name: string): string {
  if (file === '') return name.startsWith('(') ? `V8 ${name}` : 'node (native)'
  if (file.startsWith('node:')) return 'node'
  const installed = file.lastIndexOf('node_modules/')
  const parts = file.slice(installed < 0 ? 0 : installed + 'node_modules/'.length).split('/')
  if (installed >= 0) return parts.slice(0, parts[0]?.startsWith('@') ? 2 : 1).join('/')
  return dirname(file).split('/').slice(0, 2).join('/')
}

/** One round with V8's profiler in every service: it slows them down, so no figure but the shares is taken from it. */
export async function profileRound(options: MeasuringOptions, orders: number): Promise<Profile[]> {
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
const loadOnce = (options: MeasuringOptions, orders: number): Promise<Window> =>
  withMeasuredPart(options, async (part) => {
    await part.segment(Math.ceil(orders / 4), 'profile, warming up')
    const fromUs = monotonicUs()
    await part.segment(orders, 'profile')
    const toUs = monotonicUs()
    await auditPart(part)
    return { fromUs, toUs }
  })

/** The clock that V8 stamps its samples with. */
const monotonicUs = () => Number(process.hrtime.bigint() / 1_000n)

async function readProfile(folder: string): Promise<CpuProfile> {
  const [file] = await readdir(folder)
  if (file === undefined) throw new Error(`no profile was written to ${folder}`)
  return CpuProfile.parse(JSON.parse(await readFile(join(folder, file), 'utf8')))
}
