import { LabError, messageOf } from '@lab/kit/errors.ts'
import type { RoutePlugin } from '@lab/kit/http.ts'
import type { ControlClient } from '@lab/stack/control/client.ts'
import { z } from 'zod'
import type { LivePart } from '../../wire/parts.ts'
import {
  ANSWERS,
  ENDINGS,
  FAULTS,
  type Observation,
  type Switches,
  type Switching,
  UNDOINGS,
} from '../../wire/switches.ts'
import type { Recorder } from '../recorder.ts'
import { type Watching, watch } from './observe.ts'
import { createTargets, type Targets } from './targets.ts'

export interface SwitchesDeps {
  parts: readonly LivePart[]
  /** The `up` that runs the parts; without it, services are only told what to do, never stopped. */
  control: ControlClient | undefined
  recorder: Recorder
}

const MOST_OBSERVATIONS = 20
/** The switch is put back by the service itself, should this server not live to do it. */
const SPARE_SECONDS = 60

const Body = z.strictObject({
  part: z.string(),
  name: z.string(),
  action: z.enum([...FAULTS, ...ENDINGS, ...UNDOINGS]),
  seconds: z.number().min(0).max(3_600).optional(),
  predicted: z.enum(ANSWERS).optional(),
  hold_seconds: z.number().min(2).max(120).optional(),
  orders_per_second: z.number().min(1).max(50).optional(),
})

/** The tab of switches: what there is, what is turned, and what that did. */
export function switchRoutes({ parts, control, recorder }: SwitchesDeps): RoutePlugin {
  const targets = createTargets(parts, control)
  const observations: Observation[] = []
  let watching: Watching | undefined
  let lastId = 0

  const begin = (switching: Switching, part: LivePart): Observation => {
    const id = ++lastId
    const at = { seconds: switching.hold_seconds }
    watching = watch({
      id,
      switching,
      ordersUrl: ordersOf(part),
      turn: () => targets.act(switching, at.seconds === undefined ? undefined : at.seconds + SPARE_SECONDS),
      turnBack: () => targets.undo(switching),
      show: (observation) => {
        const known = observations.findIndex((one) => one.id === id)
        observations.splice(Math.max(known, 0), known < 0 ? 0 : 1, observation)
        observations.splice(MOST_OBSERVATIONS)
        recorder.publish('switch', observation)
      },
    })
    void watching.ended.then(() => {
      watching = undefined
    })
    return observations[0]!
  }

  return async (app) => {
    app.addHook('preClose', async () => {
      watching?.close()
      await watching?.ended
    })
    app.get(
      '/api/switches',
      { schema: { summary: 'What can be switched, and what that did', tags: ['live'] } },
      async () => ({ units: await targets.list(), observations }) satisfies Switches,
    )

    const turn = {
      summary: 'Turns a switch; with an answer to what will happen, and orders meanwhile, it is measured',
      tags: ['live'],
      body: Body,
    }
    app.post('/admin/switches', { schema: turn }, async ({ body }, reply) => {
      const switching = body as Switching
      const part = parts.find(({ name }) => name === switching.part)
      if (!part)
        throw unknown(
          'part',
          switching.part,
          parts.map(({ name }) => name),
        )
      await requireSuch(targets, switching)
      if (switching.predicted === undefined) {
        await targets.act(switching).catch(explain)
        return reply.code(204).send()
      }
      if (!part.isTrio)
        throw new LabError(
          'LAB_CONFLICT',
          `part: no orders are measured in ${part.name}; leave out \`predicted\``,
        )
      if (watching)
        throw new LabError('LAB_CONFLICT', 'One switch at a time is watched: put the other one back first')
      return reply.code(202).send(begin(switching, part))
    })

    app.post(
      '/admin/switches/back',
      { schema: { summary: 'Puts back what is watched, before its time', tags: ['live'] } },
      async (_request, reply) => {
        if (!watching) throw new LabError('LAB_CONFLICT', 'Nothing is switched that is watched')
        watching.putBack()
        return reply.code(202).send({})
      },
    )
  }
}

/** The first service of a trio takes the orders. */
const ordersOf = ({ services }: LivePart): string => Object.values(services)[0]!

async function requireSuch(targets: Targets, { part, name, action }: Switching): Promise<void> {
  const units = (await targets.list()).filter((unit) => unit.part === part)
  const unit = units.find((one) => one.name === name)
  if (!unit)
    throw unknown(
      'name',
      name,
      units.map((one) => one.name),
    )
  if (!unit.can.includes(action))
    throw new LabError(
      'LAB_CONFLICT',
      `action: ${name} of ${part} takes ${unit.can.join(', ') || 'nothing'}, not ${action}`,
    )
}

const unknown = (field: string, value: string, known: readonly string[]) =>
  new LabError('LAB_NOT_FOUND', `${field}: there is no '${value}'. Known: ${known.join(', ')}`)

function explain(err: unknown): never {
  if (err instanceof LabError) throw err
  throw new LabError('LAB_CONFLICT', messageOf(err), { cause: err })
}
