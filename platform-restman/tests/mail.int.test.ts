import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { createLog } from '@lab/kit/log.ts'
import { waitFor } from '@lab/kit/wait.ts'
import { localContext } from '@lab/stack/fixtures/lab.ts'
import { openRunDir } from '@lab/stack/run-dir.ts'
import { startServer } from '@lab/stack/servers/index.ts'
import { afterAll, expect, onTestFinished, test } from 'vitest'
import { createCodeMails } from '../services/auth-service/code-mails.ts'
import { openMailer } from '../shared/mail/mailer.ts'
import { callUrl } from './call.ts'

const log = createLog('test', 'silent')
const run = await openRunDir()
const server = await startServer('mail', localContext(run))
afterAll(() => run.close())

function openTestMailer(port: number) {
  const mailer = openMailer(
    { host: '127.0.0.1', port, username: undefined, password: undefined, from: 'restman@example.com' },
    log,
  )
  onTestFinished(() => mailer.close())
  return mailer
}
const caught = async () =>
  (await callUrl('GET', `${server.apiUrl}/api/v1/messages`)).json.messages as {
    MessageID: string
    Subject: string
    To: { Address: string }[]
    Snippet: string
  }[]
const mail = {
  to: 'ada@example.com',
  subject: 'Ready',
  text: 'Your order is ready.\n',
  messageId: '<order-1@restman>',
}

test('a mail has the id it was given, one receiver, and one line of subject', async () => {
  const mailer = openTestMailer(server.port)

  await mailer.send(mail)
  await mailer.send({ ...mail, messageId: '<order-2@restman>', subject: 'Ready\r\nBcc: eve@example.com' })

  const mails = await caught()
  expect(mails.map(({ MessageID }) => MessageID).toSorted()).toEqual(['order-1@restman', 'order-2@restman'])
  expect(mails.flatMap(({ To }) => To.map(({ Address }) => Address))).toEqual([
    'ada@example.com',
    'ada@example.com',
  ])
  expect(mailer.state()).toBe('ok')
})

test('a mail that the server refuses is not tried again, one that it cannot take now is', async () => {
  const answers = ['550 no such mailbox', '451 later']
  const smtp = createServer((socket) => {
    socket.on('error', () => {
      // The client hung up.
    })
    socket.write('220 test\r\n')
    socket.on('data', (data) => {
      const line = data.toString()
      if (/^quit/i.test(line)) return void socket.end('221 bye\r\n')
      socket.write(/^rcpt/i.test(line) ? `${answers.shift()}\r\n` : '250 ok\r\n')
    })
  }).listen(0, '127.0.0.1')
  await once(smtp, 'listening')
  onTestFinished(() => void smtp.close())
  const mailer = openTestMailer((smtp.address() as AddressInfo).port)

  await expect(mailer.send(mail)).rejects.toMatchObject({ retryable: false })
  await expect(mailer.send(mail)).rejects.toMatchObject({ retryable: true })
})

test('a code waits while the mail server is away, and comes when it is back', async () => {
  const mailer = openTestMailer(server.port)
  const mails = createCodeMails(mailer, log)
  onTestFinished(() => mails.close())
  await server.control!.kill()

  mails.send('late@example.com', '123456')
  await waitFor('the loss', () => mailer.state() === 'unreachable')
  await server.control!.start()

  await waitFor('the mail', async () =>
    (await caught()).some(
      ({ To, Snippet }) => To[0]!.Address === 'late@example.com' && Snippet.includes('123456'),
    ),
  )
  await waitFor('the state', () => mailer.state() === 'ok')
})
