import type { StartPartOptions } from '../part.ts'
import type { AnyServer } from '../servers/index.ts'
import type { PartSpec, RunningPart } from '../spec.ts'
import { findCompose } from './cli.ts'
import { startComposePart } from './part.ts'

export interface PartStarter {
  /** Starts a part with whatever it needs, its servers included. */
  startPart: (spec: PartSpec, options: StartPartOptions) => Promise<RunningPart>
  /** The servers that came with the parts so far, one of each kind. */
  brokers: () => AnyServer[]
}

/** Parts as containers of their own compose files. Rejects with a `ComposeError` of one line where that cannot be. */
export async function composeStarter(processEnv: NodeJS.ProcessEnv): Promise<PartStarter> {
  await findCompose(processEnv)
  const seen = new Map<string, AnyServer>()
  return {
    brokers: () => [...seen.values()],
    startPart: async (spec, options) => {
      const part = await startComposePart(spec, { ...options, processEnv })
      for (const server of Object.values(part.servers)) seen.set(server.kind, server)
      return part
    },
  }
}
