import { resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '..')
const MAX_LENGTH = 1_000

/** Everything before the last @ of a word counts as a login, however broken the address is that it stands in. */
const LOGIN = /([a-z][a-z0-9+.-]*:\/\/)?[^\s'"]+@/gi

/** Text for an answer or a log: without the login of any address, and without the place this code is installed in. */
export const scrub = (text: string): string =>
  text
    .slice(0, MAX_LENGTH)
    .replace(LOGIN, '$1***@')
    .replaceAll(`file://${ROOT}/`, '')
    .replaceAll(`${ROOT}/`, '')

/** A password whose address ends too early, as in `amqp://user:password`: what follows the colon is no port. */
const LOOSE_PASSWORD = /(:\/\/[^\s/:@[\]]*:)(?!\d{1,5}(?:[/?#]|$))[^/]*/

/** A variable and its value as an error may show them. A secret by its name is never shown. */
export function shownVariable(name: string, value: string): string {
  if (/TOKEN|PASSWORD|SECRET/.test(name)) return `${name} (not shown)`
  const shown = value.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, '$1***@').replace(LOOSE_PASSWORD, '$1***')
  return `${name}='${shown}'`
}
