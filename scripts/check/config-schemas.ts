import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { livePage, parts } from '../../parts.ts'

export interface Variable {
  name: string
  meaning: string
  /** As it is written in the environment; undefined when the variable has none. */
  default: string | undefined
  required: boolean
}

export interface ServiceConfig {
  /** `<part>/<service>` */
  service: string
  variables: Variable[]
}

/** Reads the `schema` that every `<part>/<service>/config.ts` exports, in the order of the layout. */
export async function readConfigSchemas(root: string): Promise<ServiceConfig[]> {
  const folders = [...parts, livePage].flatMap(({ services }) => services.map(({ entry }) => dirname(entry)))
  const files = folders.map((folder) => `${folder}/config.ts`).filter((file) => existsSync(join(root, file)))
  return Promise.all(
    files.map(async (file) => ({
      service: file.slice(0, -'/config.ts'.length),
      variables: variablesOf(file, await import(pathToFileURL(join(root, file)).href)),
    })),
  )
}

interface Field {
  description?: string
  default?: unknown
}

function variablesOf(file: string, module: { schema?: unknown }): Variable[] {
  const { schema } = module
  if (!(schema instanceof z.ZodObject)) throw new Error(`${file} exports no \`schema\` that is a zod object`)
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  return Object.entries(json.properties ?? {}).map(([name, property]) => {
    const field = property as Field
    if (!field.description) throw new Error(`${file}: ${name} has no .describe()`)
    const required = field.default === undefined && (json.required ?? []).includes(name)
    const written = field.default === undefined ? undefined : String(field.default)
    return { name, meaning: field.description, default: written, required }
  })
}
