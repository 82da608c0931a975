import { describe, expect, test } from 'vitest'
import { chooseOrigin } from './choose.ts'

const rabbitmq = { variable: 'RABBITMQ_URL' }
const kafka = { variable: 'KAFKA_BROKERS' }
const engine = async () => true
const noEngine = async () => false

describe('choice of a server', () => {
  test('takes the external one when its variable is set, even with Docker at hand', async () => {
    const env = { RABBITMQ_URL: 'amqp://broker' }

    expect(await chooseOrigin(rabbitmq, env, engine)).toMatchObject({ origin: 'external' })
    expect(await chooseOrigin(kafka, env, engine)).toMatchObject({ origin: 'docker', forced: false })
  })

  test('takes a local one when there is nothing else', async () => {
    expect(await chooseOrigin(kafka, {}, noEngine)).toMatchObject({ origin: 'local', forced: false })
  })

  test('obeys LAB_BROKERS over everything else', async () => {
    const env = { LAB_BROKERS: 'local', KAFKA_BROKERS: 'broker:9092' }

    expect(await chooseOrigin(kafka, env, engine)).toMatchObject({ origin: 'local', forced: true })
  })

  test('refuses a wrong LAB_BROKERS and names it', async () => {
    const choice = chooseOrigin(kafka, { LAB_BROKERS: 'podman' }, noEngine)

    await expect(choice).rejects.toThrow('LAB_BROKERS="podman" is not one of external, docker, local')
  })

  test('refuses LAB_BROKERS=external without an address', async () => {
    const choice = chooseOrigin(kafka, { LAB_BROKERS: 'external' }, noEngine)

    await expect(choice).rejects.toThrow('LAB_BROKERS=external needs KAFKA_BROKERS')
  })

  test('refuses LAB_BROKERS=docker when no engine answers', async () => {
    const choice = chooseOrigin(rabbitmq, { LAB_BROKERS: 'docker' }, noEngine)

    await expect(choice).rejects.toThrow('no Docker engine answers')
  })
})
