import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { isFree } from '@lab/kit/store.ts'
import { waitFor } from '@lab/kit/wait.ts'
import type { ServiceProcess } from '@lab/stack/service.ts'
import { request } from 'undici'
import { z } from 'zod'
import { type DecisionWatch, NotApplicable } from '../../part.ts'
import { drivers } from '../../parts/index.ts'
import type { RunningTrio, TrioName, TrioService } from '../../trio.ts'
import { type Acts, type Fault, type FaultBench, type FaultPlan, inParts } from '../fault.ts'
import { freezeAt, type HookedStart, startHooked } from '../hooks.ts'

const ONE_ADDRESS = 'its inventory has one address: whoever has it is the one instance'
/** Heartbeats and sessions have to run out before anybody takes over. */
const TAKE_OVER_WITHIN_MS = 60_000
/** The usual time until somebody takes over from a silent owner. */
const SILENT_MS = 15_000
/** The successor decides on its own for this long before the former owner wakes. */
const ALONE_MS = 2_000
const TURNS = 4

const Ready = z.object({ ready: z.boolean(), checks: z.record(z.string(), z.string()) })

async function readyOf({ url }: ServiceProcess) {
  const { body } = await request(`${url}/ready`, { signal: AbortSignal.timeout(2_000), reset: true })
  return Ready.parse(await body.json())
}

/** Alive, and not the owner. */
const standsBy = async (service: ServiceProcess): Promise<boolean> =>
  Object.values((await readyOf(service)).checks).some((check) => /standing by/.test(check))

/** A second instance that stands by; `takenOver` resolves when it is the owner. */
async function openStandby({ part, signal }: FaultBench) {
  if (!part.twin) throw new NotApplicable('this part cannot have a second instance here')
  const standby = await part.twin('inventory')
  const takenOver = standby.start()
  takenOver.catch(() => {}) // whoever awaits it hears of it
  await waitFor('the second instance to stand by', () => standsBy(standby), { timeoutMs: 30_000, signal })
  return { standby, takenOver }
}

const without = (part: RunningTrio, owner: TrioService): RunningTrio => ({ ...part, inventory: owner })

/** The owner is killed; the other one is there already. */
function killOwner(bench: FaultBench): Acts {
  const { part } = bench
  let second: Awaited<ReturnType<typeof openStandby>> | undefined
  return {
    arm: async () => {
      second = await openStandby(bench)
    },
    inject: async () => {
      await part.inventory.kill()
      return 'the owner'
    },
    // Nothing heals it: the time to the first order done is that of the take-over.
    heal: async () => {
      await second!.takenOver
    },
    partAfter: () => without(part, second!.standby),
  }
}

/** The owner is silent until the other one has taken over, then wakes: its old life must have no effect any more. */
function zombie(bench: FaultBench, hook?: HookedStart): Acts {
  const { part, signal } = bench
  const former = part.inventory
  let second: Awaited<ReturnType<typeof openStandby>> | undefined
  let decisions: DecisionWatch | undefined
  return {
    arm: async () => {
      if (hook) await startHooked(former, hook)
      second = await openStandby(bench)
      decisions = await drivers[part.part].decisions?.(part, signal)
    },
    inject: async () => {
      // With a hook it stops by itself in the midst of what it does; without one it is stopped from outside.
      if (!hook) await pauseBetweenTransactions(former, stockFileOf(part))
      const at = performance.now()
      await waitFor('the second instance to take over', async () => (await readyOf(second!.standby)).ready, {
        timeoutMs: TAKE_OVER_WITHIN_MS,
        signal,
      })
      return `the owner; the other took over after ${((performance.now() - at) / 1_000).toFixed(1)} s`
    },
    heal: async () => {
      former.resume()
      await waitFor('the former owner to stand by', () => standsBy(former), { timeoutMs: 30_000, signal })
    },
    complaints: async () => [
      ...((await standsBy(former)) ? [] : ['the former owner does not stand by']),
      ...decidedTwice((await decisions?.seen()) ?? []),
    ],
    partAfter: () => without(part, second!.standby),
    close: async () => {
      former.resume()
      await decisions?.close()
    },
  }
}

/** Past what the ledger sees. */
function decidedTwice(seen: Awaited<ReturnType<DecisionWatch['seen']>>): string[] {
  const orders = Map.groupBy(seen, ({ order_id }) => order_id)
  const several = [...orders].filter(([, group]) => new Set(group.map((one) => one.identity)).size > 1)
  return several.length === 0 ? [] : [`${several.length} orders decided twice, e.g. ${several[0]![0]}`]
}

/** Members come and go, one after the other: each time the group is put together anew. */
function comeAndGo(bench: FaultBench): Acts {
  return {
    inject: async () => {
      for (let turn = 0; turn < TURNS; turn++) {
        const { standby } = await openStandby(bench)
        // One leaves in order, the next without a word.
        if (turn % 2 === 0) await standby.stop()
        else await standby.kill()
      }
      return `${2 * TURNS} changes`
    },
    heal: async () => {},
  }
}

type Otherwise = Pick<FaultPlan, 'holdMs' | 'injectingMs'> & { but?: Partial<Record<TrioName, string>> }

const faultOf = (name: string, on: FaultPlan['on'], { but, ...times }: Otherwise): Fault => ({
  name,
  kind: 'instances',
  parts: inParts(({ serviceMs }) => ({ limitMs: serviceMs, ...times, on }), {
    'sync-rest': ONE_ADDRESS,
    ...but,
  }),
})

const stalledAt = (name: string, hook: HookedStart, other: TrioName): Fault =>
  faultOf(`zombie: stalled ${name}`, (bench) => zombie(bench, hook), {
    ...ZOMBIE,
    but: { [other]: 'a step of the other part' },
  })

const ZOMBIE = { holdMs: ALONE_MS, injectingMs: SILENT_MS }

/** Two instances of the service that owns the stock. */
export const instanceFaults: Fault[] = [
  faultOf('two instances: SIGKILL the owner', killOwner, { holdMs: 0 }),
  faultOf('zombie: the owner stalled', zombie, ZOMBIE),
  stalledAt('before it acknowledges', freezeAt('rabbit.batch-committed', 40), 'streaming-kafka'),
  stalledAt('before it begins to write', freezeAt('kafka.decisions-drafted', 20), 'async-rabbitmq'),
  stalledAt('within a transaction', freezeAt('kafka.offsets-sent', 20), 'async-rabbitmq'),
  faultOf('instances come and go', comeAndGo, { holdMs: 0, injectingMs: 20_000 }),
]

const TRIES = 50
const AGAIN_MS = 20

/** Where part B's inventory keeps its stock when it is durable; part C has no such file. */
export const stockFileOf = ({ dataDir = '' }: RunningTrio) =>
  join(dataDir, 'inventory-service', 'inventory-service.sqlite')

/**
 * Stops a service between two transactions of its store. In the midst of one it would hold the file, and nobody could
 * take over from it, however long one waits. Without a store in this file it stops anywhere.
 */
export async function pauseBetweenTransactions(service: ServiceProcess, file: string): Promise<void> {
  for (let n = 0; n < TRIES; n++) {
    service.pause()
    if (!existsSync(file) || isFileFree(file)) return
    service.resume()
    await sleep(AGAIN_MS)
  }
  throw new Error(`${service.name} was within a transaction at each of ${TRIES} moments`)
}

function isFileFree(file: string): boolean {
  const db = new DatabaseSync(file)
  try {
    return isFree(db)
  } finally {
    db.close()
  }
}
