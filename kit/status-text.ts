/**
 * Node's own names of the statuses of HTTP. Not by `import`: a built-in module that is imported gets all its exports at once, and two
 * of `node:http` (`WebSocket`, `CloseEvent`) load all of undici: 12 MB and a tenth of a second.
 */
const { STATUS_CODES } = process.getBuiltinModule('node:http')

/** `Not Found` for 404; the status itself when it has no name. */
export const statusText = (status: number | string): string => STATUS_CODES[status] ?? String(status)
