import { createTransport } from 'nodemailer'
import { request } from 'undici'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { localContext, openTestRun, processesOf } from './fixtures/lab.ts'
import { isPortFree } from './ports.ts'
import { openRunDir, type RunDir } from './run-dir.ts'
import { kindOf, type Servers, startServer } from './servers/index.ts'

const mail = {
  from: 'RestMan <noreply@restman.example>',
  to: 'ada@example.org',
  subject: 'Your code',
  text: '123456',
}

describe('private mail catcher', () => {
  let run: RunDir
  let server: Servers['mail']
  beforeAll(async () => {
    run = await openRunDir()
    server = await startServer('mail', localContext(run))
  })
  afterAll(() => run.close())

  test('catches a mail, and shows it whole to tests and as text to people', async () => {
    await send(server, { ...mail, subject: '<b>code</b>' })

    const { messages } = await api(server, 'search?query=to:ada@example.org')
    expect(messages).toMatchObject([
      {
        From: { Address: 'noreply@restman.example' },
        To: [{ Address: 'ada@example.org' }],
        Subject: '<b>code</b>',
      },
    ])
    expect((await api(server, `message/${messages[0].ID}`)).Text.trim()).toBe('123456')
    const page = await request(kindOf(server).page!(server)!.url)
    expect(await page.body.text()).toContain('&lt;b&gt;code&lt;/b&gt;')
    expect(page.headers['content-security-policy']).toContain("default-src 'none'")
  })

  test('keeps what it has accepted through SIGKILL, on the same ports', async () => {
    await send(server, { ...mail, to: 'kept@example.org' })

    await server.control!.kill()
    expect(await isPortFree(server.port)).toBe(true)
    await expect(send(server, mail)).rejects.toThrow('ECONNREFUSED')
    await server.control!.start()

    expect((await api(server, 'search?query=to:kept@example.org')).messages).toHaveLength(1)
  })

  test('keeps the mails of a part when another one comes and goes', async () => {
    await send(server, { ...mail, to: 'first@example.org' })

    await (await kindOf(server).place(server, { part: 'test' })).close()

    expect((await api(server, 'search?query=to:first@example.org')).messages).toHaveLength(1)
  })

  test('is used as an external one', async () => {
    const env = { SMTP_URL: kindOf(server).env(server).SMTP_URL!, MAIL_API_URL: server.apiUrl! }
    const external = await startServer('mail', { run, env, progress: () => {} })

    await send(external, { ...mail, to: 'external@example.org' })

    expect(external).toMatchObject({ origin: 'external', apiUrl: server.apiUrl })
    expect((await api(external, 'search?query=to:external@example.org')).messages).toHaveLength(1)
  })

  test('leaves no process and no port after close', async () => {
    await Promise.all([server.close(), server.close()])

    expect(processesOf(run)).toEqual([])
    expect(await isPortFree(server.port)).toBe(true)
  })
})

test('a mail catcher with a login refuses a wrong one', async () => {
  const login = { username: 'restman', password: 's3cret' }
  const server = await startServer('mail', localContext(await openTestRun()), { login })

  await send(server, mail)

  await expect(send({ ...server, password: 'guess' }, mail)).rejects.toThrow('Invalid login')
  await expect(send({ ...server, username: '', password: '' }, mail)).rejects.toThrow(
    'authentication Required',
  )
})

async function send(server: Servers['mail'], message: typeof mail): Promise<void> {
  const transport = createTransport(kindOf(server).env(server).SMTP_URL!)
  onTestFinished(() => transport.close())
  await transport.sendMail(message)
}

// biome-ignore lint/suspicious/noExplicitAny: what the API answers, as it comes
async function api({ apiUrl }: Servers['mail'], path: string): Promise<any> {
  return (await request(`${apiUrl}/api/v1/${path}`)).body.json()
}
