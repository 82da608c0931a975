import { createHash } from 'node:crypto'
import { CHANNEL, keys } from './keys.ts'
import { PizzaOrder } from './schemas.ts'
import { NEXT, REQUIRED } from './statuses.ts'

/** A Lua script: Redis runs it whole, with nothing in between, and writes all of it to its log or nothing. */
export interface Script {
  text: string
  sha: string
}

const script = (text: string): Script => ({ text, sha: createHash('sha1').update(text).digest('hex') })
const json = (value: unknown) => `cjson.decode([==[${JSON.stringify(value)}]==])`

/**
 * What every change does. The order goes to its key with the fields in the order of the wire, the event to the stream as entry
 * `<seq>-0` and to the channel. The stream comes first: where it refuses, nothing is written.
 */
const RECORD = `
local FIELDS = ${json(Object.keys(PizzaOrder.shape))}

local function encode(order)
  local parts = {}
  for i, name in ipairs(FIELDS) do parts[i] = '"' .. name .. '":' .. cjson.encode(order[name]) end
  return '{' .. table.concat(parts, ',') .. '}'
end

local function record(order, event, version, correlation, kept)
  local seq = redis.call('INCR', '${keys.seq}')
  local json = encode(order)
  local message = '{"event_type":"' .. event .. '","order":' .. json .. ',"timestamp":"' .. order.updated_at
    .. '","seq":' .. seq .. ',"order_version":' .. version
  if correlation then message = message .. ',"correlation_id":' .. cjson.encode(correlation) end
  message = message .. '}'
  redis.call('XADD', '${keys.stream}', 'MAXLEN', '=', kept, seq .. '-0', 'event', message)
  redis.call('SET', 'order:' .. order.id, json)
  redis.call('PUBLISH', '${CHANNEL}', message)
  return seq, json
end

local function figure(name, amount, who)
  redis.call('ZINCRBY', 'orders:figures:' .. name, amount, who)
end
`

/**
 * ARGV[1]: {order, customer_price, customer_ids, supplier_ids, key, hash, now, kept, key_seconds}. Of the ids the first free ones
 * are taken. Answers {'created' | 'known', order, tracking id, supplier's}, {'reused'}, or {'taken'} when no id is free.
 */
export const CREATE = script(`${RECORD}
local input = cjson.decode(ARGV[1])
local order, command = input.order, input.key and 'orders:key:' .. input.key

if command then
  local known = redis.call('GET', command)
  if known then
    local hash, id = known:match('^(%S+) (%S+)$')
    if hash ~= input.hash then return {'reused'} end
    local ids = redis.call('HMGET', 'order:' .. id .. ':meta', 'tracking_id', 'supplier_tracking_id')
    return {'known', redis.call('GET', 'order:' .. id), ids[1], ids[2]}
  end
end

local function free(ids)
  for _, id in ipairs(ids) do
    if not redis.call('GET', 'track:' .. id) then return id end
  end
end
local tracking, supplier = free(input.customer_ids), free(input.supplier_ids)
if not tracking or not supplier then return {'taken'} end

local seq, json = record(order, 'order.created', 1, nil, input.kept)
redis.call('SET', 'track:' .. tracking, order.id)
redis.call('SET', 'track:' .. supplier, order.id)
redis.call('HSET', 'order:' .. order.id .. ':meta', 'version', 1, 'seqs', seq, 'number', seq,
  'customer_price', input.customer_price, 'tracking_id', tracking, 'supplier_tracking_id', supplier,
  'at:' .. order.status, input.now)
redis.call('ZADD', '${keys.all}', seq, order.id)
redis.call('ZADD', 'orders:status:' .. order.status, seq, order.id)
figure('suppliers:orders', 1, order.supplier_name)
if command then redis.call('SET', command, input.hash .. ' ' .. order.id, 'EX', input.key_seconds) end
return {'created', json, tracking, supplier}
`)

/**
 * ARGV[1]: {changes: [{id, event, to, set, phone}], now, at, day, kept, batch, hash, batch_seconds, correlation}. All of the
 * changes or, when one is refused, none. They are tried in order: a change sees those before it.
 * Answers {'done', [order, from, ms in that status, ms since it was dispatched]…}, {'known', answer}, {'reused'}, or
 * {'refused', [place, why, current status or missing field]…}.
 */
export const CHANGE = script(`${RECORD}
local NEXT, REQUIRED = ${json(NEXT)}, ${json(REQUIRED)}
local input = cjson.decode(ARGV[1])

if input.batch then
  local known = redis.call('GET', 'orders:batch:' .. input.batch)
  if known then
    local hash, answer = known:match('^(%S+) (.*)$')
    if hash ~= input.hash then return {'reused'} end
    return {'known', answer}
  end
end

local function load(id)
  local json = redis.call('GET', 'order:' .. id)
  if not json then return nil end
  local meta = redis.call('HMGET', 'order:' .. id .. ':meta', 'version', 'seqs', 'number', 'customer_price')
  return {order = cjson.decode(json), version = tonumber(meta[1]), seqs = meta[2], number = meta[3],
    customer_price = tonumber(meta[4]), at = {}}
end

local function may(from, to)
  for _, status in ipairs(NEXT[from]) do
    if status == to then return true end
  end
  return false
end

local function refusal(one, change)
  if not one then return {'unknown', ''} end
  if not may(one.order.status, change.to) then return {'illegal', one.order.status} end
  for _, name in ipairs(REQUIRED[change.to] or {}) do
    if change.set[name] == nil and one.order[name] == cjson.null then return {'missing', name} end
  end
end

local loaded, steps, refused = {}, {}, {}
for place, change in ipairs(input.changes) do
  if loaded[change.id] == nil then loaded[change.id] = load(change.id) or false end
  local one = loaded[change.id]
  local reason = refusal(one, change)
  if reason then
    refused[#refused + 1] = {place - 1, reason[1], reason[2]}
  else
    local order = {}
    for _, name in ipairs(FIELDS) do order[name] = one.order[name] end
    for name, value in pairs(change.set) do order[name] = value end
    order.status, order.updated_at = change.to, input.at
    if change.to == 'customer_accepted' then order.customer_price = one.customer_price end
    steps[#steps + 1] = {one = one, change = change, from = one.order.status, order = order}
    one.order = order
  end
end
if #refused > 0 then return {'refused', unpack(refused)} end

local done = {}
for i, step in ipairs(steps) do
  local one, order, from = step.one, step.order, step.from
  local id, meta = order.id, 'order:' .. order.id .. ':meta'
  one.version = one.version + 1
  local seq, json = record(order, step.change.event, one.version, input.correlation, input.kept)
  one.seqs = one.seqs .. ',' .. seq
  redis.call('HSET', meta, 'version', one.version, 'seqs', one.seqs, 'at:' .. order.status, input.now)
  if step.change.phone then redis.call('HSET', meta, 'driver_phone', step.change.phone) end
  redis.call('ZREM', 'orders:status:' .. from, id)
  redis.call('ZADD', 'orders:status:' .. order.status, one.number, id)

  local since = redis.call('HMGET', meta, 'at:' .. from, 'at:dispatched')
  local waited = input.now - tonumber(since[1] or input.now)
  local driven = since[2] and input.now - tonumber(since[2]) or 0
  if order.status == 'supplier_accepted' then figure('suppliers:accepted', 1, order.supplier_name) end
  if order.status == 'supplier_rejected' then figure('suppliers:rejected', 1, order.supplier_name) end
  if order.status == 'dispatched' then figure('drivers:dispatched', 1, order.driver_name) end
  if order.status == 'delivered' then
    figure('suppliers:delivered', 1, order.supplier_name)
    figure('suppliers:revenue_cents', math.floor(order.customer_price * 100 + 0.5), order.supplier_name)
    figure('drivers:delivered', 1, order.driver_name)
    figure('drivers:ms', driven, order.driver_name)
    local day = 'orders:completed:' .. input.day
    redis.call('INCR', day)
    redis.call('EXPIRE', day, 259200)
  end
  done[i] = {json, from, waited, driven}
end
if input.batch then
  redis.call('SET', 'orders:batch:' .. input.batch, input.hash .. ' ' .. input.answer, 'EX', input.batch_seconds)
end
return {'done', unpack(done)}
`)

/** ARGV: id. The order, its meta as a flat list; nothing when there is none. */
export const FIND = script(`
local json = redis.call('GET', 'order:' .. ARGV[1])
return json and {json, redis.call('HGETALL', 'order:' .. ARGV[1] .. ':meta')} or {}
`)

/** ARGV: id. The events of an order that the stream still has, and how many it has let go. */
export const TRAIL = script(`
local seqs = redis.call('HGET', 'order:' .. ARGV[1] .. ':meta', 'seqs')
if not seqs then return {} end
local events, gone = {}, 0
for seq in seqs:gmatch('%d+') do
  local entry = redis.call('XRANGE', '${keys.stream}', seq .. '-0', seq .. '-0')[1]
  if entry then events[#events + 1] = entry[2][2] else gone = gone + 1 end
end
return {events, gone}
`)

/** ARGV: a sorted set of ids, the score below which to begin or +inf, how many. [score, order, version] each, newest first. */
export const PAGE = script(`
local found = redis.call('ZRANGE', ARGV[1], ARGV[2], '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, ARGV[3], 'WITHSCORES')
local rows = {}
for i = 1, #found, 2 do
  local id = found[i]
  rows[#rows + 1] = {found[i + 1], redis.call('GET', 'order:' .. id), redis.call('HGET', 'order:' .. id .. ':meta', 'version')}
end
return rows
`)

/**
 * ARGV: most orders of each status, the day, the statuses to count, those to list. Answers [counts], completed on the day,
 * [[orders]…], [[order, phone, when dispatched]…] of those on their way.
 */
export const STATE = script(`
local counts, lists, drivers = {}, {}, {}
for i, status in ipairs(cjson.decode(ARGV[3])) do counts[i] = redis.call('ZCARD', 'orders:status:' .. status) end
local function newest(status)
  local ids = redis.call('ZRANGE', 'orders:status:' .. status, 0, ARGV[1] - 1, 'REV')
  if #ids == 0 then return {}, {} end
  local names = {}
  for i, id in ipairs(ids) do names[i] = 'order:' .. id end
  return redis.call('MGET', unpack(names)), ids
end
for i, status in ipairs(cjson.decode(ARGV[4])) do lists[i] = newest(status) end
for _, status in ipairs({'dispatched', 'in_transit'}) do
  local orders, ids = newest(status)
  for i, id in ipairs(ids) do
    local meta = redis.call('HMGET', 'order:' .. id .. ':meta', 'driver_phone', 'at:dispatched')
    drivers[#drivers + 1] = {orders[i], meta[1] or '', meta[2]}
  end
end
return {counts, tonumber(redis.call('GET', 'orders:completed:' .. ARGV[2]) or 0), lists, drivers}
`)

/**
 * ARGV: id for tracking, client, most wrong guesses, seconds in which they count. A client that has guessed too often is told
 * nothing, be its next guess right or wrong. Answers {'found', order, [meta]}, {'unknown'} or {'limited', seconds to wait}.
 */
export const TRACK = script(`
local guesses = 'track:guesses:' .. ARGV[2]
local wrong = tonumber(redis.call('GET', guesses) or 0)
if wrong >= tonumber(ARGV[3]) then return {'limited', redis.call('TTL', guesses)} end
local id = ARGV[1] ~= '' and redis.call('GET', 'track:' .. ARGV[1])
if not id then
  if redis.call('INCR', guesses) == 1 then redis.call('EXPIRE', guesses, ARGV[4]) end
  return {'unknown'}
end
return {'found', redis.call('GET', 'order:' .. id), redis.call('HGETALL', 'order:' .. id .. ':meta')}
`)

/**
 * ARGV: the seq after which to read, most events, an epoch for a new data set, the highest seq that was seen in the epoch that
 * was seen. Where the data is older than what was seen of it, as after a crash that lost its end, it is another data set from
 * now on. Answers epoch, last seq, first seq of the stream, [[seq, event]…].
 */
export const SINCE = script(`
local epoch, seq = redis.call('GET', '${keys.epoch}'), tonumber(redis.call('GET', '${keys.seq}') or 0)
if not epoch or (epoch == ARGV[5] and seq < tonumber(ARGV[4])) then
  epoch = ARGV[3]
  redis.call('SET', '${keys.epoch}', epoch)
end
local first = redis.call('XRANGE', '${keys.stream}', '-', '+', 'COUNT', 1)[1]
local events = {}
if tonumber(ARGV[1]) < seq then
  for i, entry in ipairs(redis.call('XRANGE', '${keys.stream}', ARGV[1] .. '-1', '+', 'COUNT', ARGV[2])) do
    events[i] = {tonumber(entry[1]:match('^%d+')), entry[2][2]}
  end
end
return {epoch, seq, first and tonumber(first[1]:match('^%d+')) or seq + 1, events}
`)

/** Figures by supplier and by driver: ARGV: most names. Flat lists of name and value, of those with the most orders. */
export const FIGURES = script(`
local function table_of(kind, by, columns)
  local rows = {}
  for i, name in ipairs(redis.call('ZRANGE', 'orders:figures:' .. kind .. ':' .. by, 0, ARGV[1] - 1, 'REV')) do
    local row = {name}
    for at, column in ipairs(columns) do
      row[at + 1] = redis.call('ZSCORE', 'orders:figures:' .. kind .. ':' .. column, name) or '0'
    end
    rows[i] = row
  end
  return rows
end
return {
  table_of('suppliers', 'orders', {'orders', 'accepted', 'rejected', 'delivered', 'revenue_cents'}),
  table_of('drivers', 'dispatched', {'dispatched', 'delivered', 'ms'}),
}
`)
