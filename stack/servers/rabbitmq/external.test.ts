import { describe, expect, test } from 'vitest'
import { readRabbitAddress } from './external.ts'

describe('address of an external RabbitMQ', () => {
  test('derives the management address and credentials from RABBITMQ_URL', () => {
    const env = { RABBITMQ_URL: 'amqp://lab:s%40fe@mq.example:5673/orders' }

    expect(readRabbitAddress(env)).toEqual({
      url: 'amqp://lab:s%40fe@mq.example:5673/orders',
      managementUrl: 'http://mq.example:15672',
      username: 'lab',
      password: 's@fe',
    })
  })

  test('takes RABBITMQ_MANAGEMENT_URL with its own credentials', () => {
    const env = { RABBITMQ_URL: 'amqp://mq', RABBITMQ_MANAGEMENT_URL: 'https://admin:pw@mq:443/rabbit/' }

    expect(readRabbitAddress(env)).toMatchObject({
      managementUrl: 'https://mq/rabbit',
      username: 'admin',
      password: 'pw',
    })
  })

  test('refuses a RABBITMQ_URL of another protocol without repeating the password', () => {
    const read = () => readRabbitAddress({ RABBITMQ_URL: 'http://lab:secret@mq' })

    expect(read).toThrow('RABBITMQ_URL is not a URL of the form amqp://… or amqps://…')
    expect(read).not.toThrow('secret')
  })
})
