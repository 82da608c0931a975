import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { freePorts, isPortFree, PortTaken, saysPortTaken, withFreePorts } from './ports.ts'

describe('ports', () => {
  test('hands out different free ports, never one twice', async () => {
    const [first, second] = await Promise.all([freePorts(20), freePorts(20)])

    expect(new Set([...first, ...second]).size).toBe(40)
    expect(await Promise.all(first.map((port) => isPortFree(port)))).not.toContain(false)
  })

  test.runIf(process.platform === 'linux')('stays below the range of outgoing connections', async () => {
    const start = Number.parseInt(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'), 10)

    for (const port of await freePorts(20)) expect(port).toBeLessThan(start)
  })

  test('sees that a port is taken', async () => {
    const [port] = await freePorts(1)
    const server = createServer().listen(port, '127.0.0.1')
    onTestFinished(() => void server.close())
    await new Promise((resolve) => server.once('listening', resolve))

    expect(await isPortFree(port!)).toBe(false)
  })

  test('tries other ports when one was taken meanwhile, three times in all', async () => {
    const tried: number[] = []
    const attempt = async ([port]: number[]) => {
      tried.push(port!)
      throw new PortTaken('taken')
    }

    await expect(withFreePorts(1, attempt)).rejects.toThrow('taken')
    expect(new Set(tried).size).toBe(3)
  })

  test('does not try again after another failure', async () => {
    let tries = 0
    const attempt = async () => {
      tries++
      throw new Error('no license')
    }

    await expect(withFreePorts(1, attempt)).rejects.toThrow('no license')
    expect(tries).toBe(1)
  })

  test.each([
    'Error: listen EADDRINUSE: address already in use 127.0.0.1:8000',
    'java.net.BindException: Address already in use',
    '{error,eaddrinuse}',
  ])('recognises %s', (line) => {
    expect(saysPortTaken(line)).toBe(true)
  })
})
