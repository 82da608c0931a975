import { randomUUID } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { type AddressObject, type ParsedMail, simpleParser } from 'mailparser'
import { SMTPServer } from 'smtp-server'
import { page } from './page.ts'

/**
 * A process of its own: takes every mail on SMTP_PORT and shows it on HTTP_PORT, with the part of Mailpit's API that tests
 * ask. What it has accepted is in FOLDER. USERNAME and PASSWORD, where they are set, are asked for.
 */
const { FOLDER = '', SMTP_PORT, HTTP_PORT, USERNAME, PASSWORD } = process.env
const HOST = '127.0.0.1'
const MAX_BYTES = 10_000_000

interface Address {
  Name: string
  Address: string
}

/** Named as in Mailpit. */
interface Mail {
  ID: string
  MessageID: string
  From: Address | null
  To: Address[]
  Subject: string
  Created: string
  Size: number
  Text: string
  HTML: string
}

mkdirSync(FOLDER, { recursive: true })
/** The newest last. */
const mails = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.json'))
  .map((name) => JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as Mail)
  .sort((a, b) => a.Created.localeCompare(b.Created))

const smtp = new SMTPServer({
  // Its own certificate has expired; whoever is offered STARTTLS takes it.
  disabledCommands: ['STARTTLS'],
  authOptional: USERNAME === undefined,
  allowInsecureAuth: true,
  size: MAX_BYTES,
  onAuth({ username, password }, _, done) {
    if (USERNAME === undefined || (username === USERNAME && password === PASSWORD))
      done(null, { user: username })
    else done(new Error('Invalid username or password'))
  },
  onData(stream, session, done) {
    simpleParser(stream)
      .then((parsed) => {
        if (stream.sizeExceeded)
          throw Object.assign(new Error('the mail is too large'), { responseCode: 552 })
        const { mailFrom, rcptTo } = session.envelope
        keep(
          mailOf(parsed, {
            from: mailFrom ? mailFrom.address : '',
            to: rcptTo.map(({ address }) => address),
          }),
        )
        done()
      })
      .catch(done)
  },
})
const http = createServer((request, response) => {
  answer(request, response).catch((err: unknown) => send(response, 400, { Error: String(err) }))
})
smtp.on('error', () => {
  // One connection that broke.
})
smtp.listen(Number(SMTP_PORT), HOST)
http.listen(Number(HTTP_PORT), HOST)
process.once('SIGTERM', () => {
  smtp.close()
  http.close()
  http.closeAllConnections()
})

/** A mail is acknowledged when it is there whole, also for whoever comes after a kill. */
function keep(mail: Mail): void {
  const next = join(FOLDER, `${mail.ID}.next`)
  writeFileSync(next, JSON.stringify(mail))
  renameSync(next, join(FOLDER, `${mail.ID}.json`))
  mails.push(mail)
}

function mailOf(parsed: ParsedMail, envelope: { from: string; to: string[] }): Mail {
  const named = addressesOf(parsed.to)
  return {
    ID: randomUUID(),
    MessageID: (parsed.messageId ?? '').replace(/^<|>$/g, ''),
    From: addressesOf(parsed.from)[0] ?? { Name: '', Address: envelope.from },
    // Whoever got it, named or not.
    To: envelope.to.map((to) => named.find(({ Address }) => Address === to) ?? { Name: '', Address: to }),
    Subject: parsed.subject ?? '',
    Created: new Date().toISOString(),
    Size: (parsed.text ?? '').length,
    Text: parsed.text ?? '',
    HTML: parsed.html || '',
  }
}

function addressesOf(header: AddressObject | AddressObject[] | undefined): Address[] {
  return [header ?? []]
    .flat()
    .flatMap(({ value }) => value)
    .map(({ name, address = '' }) => ({ Name: name, Address: address }))
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://sink')
  const route = `${request.method} ${pathname}`
  if (route === 'GET /') return sendPage(response)
  if (route === 'GET /readyz') return send(response, 200, 'ok')
  if (route === 'GET /api/v1/info') return send(response, 200, { Version: 'sink', Messages: mails.length })
  if (route === 'GET /api/v1/messages') return send(response, 200, list(mails))
  if (route === 'GET /api/v1/search') return send(response, 200, list(found(searchParams.get('query') ?? '')))
  const mail = mails.find(({ ID }) => pathname === `/api/v1/message/${ID}`)
  return mail ? send(response, 200, mail) : send(response, 404, { Error: 'not found' })
}

function list(some: Mail[]) {
  const messages = some
    .toReversed()
    .map(({ Text, HTML, ...rest }) => ({ ...rest, Snippet: Text.slice(0, 200) }))
  return { total: mails.length, messages_count: messages.length, messages }
}

/** `to:<address>`, `subject:<text>`, or a text anywhere in it. */
function found(query: string): Mail[] {
  const [, field, wanted] = query.match(/^(?:(to|subject):)?"?(.*?)"?$/) ?? []
  return mails.filter(({ To, Subject, Text }) => {
    const where =
      { to: To.map(({ Address }) => Address).join(), subject: Subject }[field ?? ''] ?? Subject + Text
    return where.toLowerCase().includes((wanted ?? '').toLowerCase())
  })
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const isText = typeof body === 'string'
  response.writeHead(status, { 'content-type': isText ? 'text/plain' : 'application/json' })
  response.end(isText ? body : JSON.stringify(body))
}

function sendPage(response: ServerResponse): void {
  // Nothing a mail brings is run or fetched.
  const policy = "default-src 'none'; style-src 'unsafe-inline'"
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy })
  response.end(page(mails.toReversed()))
}
