import { collectionOf, environmentOf, type OpenApi } from './collection.ts'
import { environment, journey } from './journey.ts'

/** The files of this folder, by their names, from the merged document of the gateway. */
export const postmanFiles = (document: OpenApi): Record<string, string> => ({
  'RestMan_Complete_API.postman_collection.json': textOf(collectionOf(document, journey)),
  'RestMan_Complete.postman_environment.json': textOf(environmentOf(journey, environment)),
})

const textOf = (value: object) => `${JSON.stringify(value, null, 2)}\n`
