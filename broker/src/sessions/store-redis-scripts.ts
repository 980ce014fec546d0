import type { Redis } from 'ioredis'

/**
 * What must happen in Redis as one step. A queue is a stream (`queue:{client id}`, entries with one field `m`) and a
 * hash (`flight:{client id}`): entry id → packet id, negative once released, and the sum `bytes`. Entry ids go by
 * the clock of Redis, so they grow even when a queue was empty or lost; that is why an empty stream is kept.
 */
const scripts = {
  /** @returns how many entries were dropped */
  telltaleEnqueue: {
    numberOfKeys: 2,
    lua: `
local messagesMax, bytesMax = tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('XADD', KEYS[1], '*', 'm', ARGV[1])
local messages = redis.call('XLEN', KEYS[1])
local bytes = redis.call('HINCRBY', KEYS[2], 'bytes', #ARGV[1])
local dropped, from = 0, '-'
while messages > messagesMax or bytes > bytesMax do
  local entries = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', 16)
  if #entries == 0 then break end
  for _, entry in ipairs(entries) do
    if messages <= messagesMax and bytes <= bytesMax then break end
    if redis.call('HEXISTS', KEYS[2], entry[1]) == 0 then
      redis.call('XDEL', KEYS[1], entry[1])
      messages = messages - 1
      bytes = redis.call('HINCRBY', KEYS[2], 'bytes', -#entry[2][2])
      dropped = dropped + 1
    end
    from = '(' .. entry[1]
  end
end
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return dropped`,
  },
  /** @returns entry id, message, packet id or nothing; for each entry */
  telltaleRead: {
    numberOfKeys: 2,
    lua: `
local found = {}
for _, entry in ipairs(redis.call('XRANGE', KEYS[1], ARGV[1], '+', 'COUNT', ARGV[2])) do
  table.insert(found, { entry[1], entry[2][2], redis.call('HGET', KEYS[2], entry[1]) })
end
return found`,
  },
  /** Arguments: entry id, packet id, …; entries that are gone are left out. */
  telltaleSending: {
    numberOfKeys: 2,
    lua: `
for i = 1, #ARGV, 2 do
  if #redis.call('XRANGE', KEYS[1], ARGV[i], ARGV[i]) == 1 then redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
end`,
  },
  telltaleReleased: {
    numberOfKeys: 1,
    lua: `
local packetId = tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or 0)
if packetId > 0 then redis.call('HSET', KEYS[1], ARGV[1], -packetId) end`,
  },
  telltaleSettled: {
    numberOfKeys: 2,
    lua: `
local entry = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if entry then
  redis.call('XDEL', KEYS[1], ARGV[1])
  redis.call('HINCRBY', KEYS[2], 'bytes', -#entry[2][2])
end
redis.call('HDEL', KEYS[2], ARGV[1])`,
  },
  /** Keys: a group's hash, the index of groups. Arguments: topic, group, message or nothing. */
  telltaleRetain: {
    numberOfKeys: 2,
    lua: `
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
  if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('ZREM', KEYS[2], ARGV[2]) end
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
  redis.call('ZADD', KEYS[2], 0, ARGV[2])
end`,
  },
  telltaleTake: {
    numberOfKeys: 1,
    lua: `
local all = redis.call('HGETALL', KEYS[1])
redis.call('DEL', KEYS[1])
return all`,
  },
} as const

type Text = string | number | Buffer
type Commands = { [name in keyof typeof scripts]: (...args: Text[]) => Promise<unknown> }
interface BufferCommands {
  telltaleReadBuffer(...args: Text[]): Promise<[id: Buffer, message: Buffer, packetId: Buffer | null][]>
  telltaleTakeBuffer(key: string): Promise<Buffer[]>
}

export type ScriptedRedis = Redis & Commands & BufferCommands

export function withScripts(redis: Redis): ScriptedRedis {
  for (const [name, definition] of Object.entries(scripts)) redis.defineCommand(name, definition)
  return redis as ScriptedRedis
}
