import { describe, expect, test } from 'vitest'
import { createSigner, createVerifier, type Identity } from './identity.ts'

const SECRET = 'a-secret-of-thirty-two-characters'
const ada: Identity = { user_id: '3f1c', email: 'ada@example.com', role: 'customer', client: '127.0.0.1' }

describe('a signed identity', () => {
  test('is who was signed', () => {
    const headers = createSigner(SECRET)(ada)

    expect(headers).toMatchObject({ 'x-user-id': '3f1c', 'x-user-role': 'customer' })
    expect(createVerifier(SECRET)(headers)).toEqual(ada)
  })

  test('is nobody when it is of another key, changed, cut, doubled, or missing', () => {
    const verify = createVerifier(SECRET)
    const { 'x-identity': token = '' } = createSigner(SECRET)(ada)
    const [claims = '', proof = ''] = token.split('.')
    const admin = Buffer.from(JSON.stringify({ ...ada, role: 'admin', expires: 9e15 })).toString('base64url')

    expect(verify(createSigner(`${SECRET}!`)(ada))).toBeUndefined()
    for (const forged of [`${admin}.${proof}`, `${claims}.`, claims, `.${proof}`, `${token}.${proof}`, ''])
      expect(verify({ 'x-identity': forged })).toBeUndefined()
    expect(verify({ 'x-user-id': '3f1c', 'x-user-role': 'admin' })).toBeUndefined()
  })

  test('is believed for half a minute', () => {
    const headers = createSigner(SECRET, () => 1_000)(ada)

    expect(createVerifier(SECRET, () => 30_999)(headers)).toEqual(ada)
    expect(createVerifier(SECRET, () => 31_000)(headers)).toBeUndefined()
  })
})
