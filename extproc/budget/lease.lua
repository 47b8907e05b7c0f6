-- One account in one window: what each pod has taken of it. Told where a pod stands, says what it holds and what others do.
-- KEYS: the account, the epoch.  ARGV: pod, spent, wanted, limit, floor, epoch known, others known, resets known, lasts_s, a new epoch, grace_ms
local RESETS = '#'
local pod = ARGV[1]
local spent, wanted, limit, floor = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local known, told = tonumber(ARGV[8]), redis.call('TIME')
local now = told[1] * 1000 + math.floor(told[2] / 1000)

local epoch = redis.call('GET', KEYS[2])
if not epoch then
  epoch = ARGV[10] .. ':' .. string.format('%.0f', now)
  redis.call('SET', KEYS[2], epoch)
end
local id, born = string.match(epoch, '^(%d+):(%d+)$')

local fields, resets, others = redis.call('HGETALL', KEYS[1]), 0, 0
for i = 1, #fields, 2 do
  if fields[i] == RESETS then
    resets = tonumber(fields[i + 1])
  elseif fields[i] ~= pod then
    others = others + tonumber(fields[i + 1])
  end
end
if known > resets then -- this pod knows of a reset that the store has not heard of
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], RESETS, ARGV[8])
  resets, others = known, 0
elseif resets > known then
  return { 0, others, resets, tonumber(id) }
end

if ARGV[6] ~= '0' and ARGV[6] ~= id then floor = math.max(floor, tonumber(ARGV[7])) end
others = math.max(others, floor)
local mine = spent
if now - tonumber(born) >= tonumber(ARGV[11]) then
  mine = math.max(spent, math.min(wanted, limit - others))
end
redis.call('HSET', KEYS[1], pod, string.format('%.0f', mine))
redis.call('EXPIRE', KEYS[1], ARGV[9])
return { mine, others, resets, tonumber(id) }
