import { z } from 'zod'

export const actions = ['stop', 'kill', 'start', 'pause', 'resume'] as const
export type Action = (typeof actions)[number]

const State = z.enum(['running', 'paused', 'stopped', 'killed', 'ended', 'changing'])
export type State = z.infer<typeof State>

/** One thing that `up` runs: a service of a part, or a server as that part sees it. */
const Unit = z.object({
  /** `<part>/<service or server>` */
  name: z.string(),
  kind: z.enum(['service', 'server']),
  /** `ended`: by itself, or by somebody else's hand. */
  state: State,
  /** Absent while it does not run, and for a server in a container. */
  pid: z.number().optional(),
  address: z.string(),
  /** False for a server of somebody else: it is never touched. */
  controlled: z.boolean(),
})
export type Unit = z.infer<typeof Unit>

/** A request is one line of JSON, and so is its reply; then the connection ends. */
export const ControlRequest = z.discriminatedUnion('verb', [
  z.strictObject({ verb: z.literal('list') }),
  z.strictObject({ verb: z.enum(actions), name: z.string() }),
])
export type ControlRequest = z.infer<typeof ControlRequest>

const Done = z.object({
  unit: Unit,
  /** False when it was so already. */
  changed: z.boolean(),
  ms: z.number(),
})
/** What came of an action. */
export type Done = z.infer<typeof Done>

export const ControlReply = z.union([
  z.object({ units: z.array(Unit) }),
  Done,
  z.object({ error: z.string(), known: z.boolean() }),
])
export type ControlReply = z.infer<typeof ControlReply>

/** The socket's name in the folder of a run. */
export const SOCKET = 'control.sock'
/** A request is a name and a verb. */
export const MAX_LINE_BYTES = 64 * 1024
