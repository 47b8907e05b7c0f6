-- Reads what an answer says it used, as it passes by: nothing is held back, and no text is kept. The processor is told of it
-- by the access log, together with the status, so that it need not be shown the answer.
local HEAD, TAIL = 4096, 8192
local EVERY_EVENTS, EVERY_BYTES = 16, 16384
local MOST_TORN, BACKSLASH = 16, 92
local PRICES = {}

-- Names are looked for as they stand, and patterns only tried where one is: to try a pattern at each byte takes many times as long.
local function after(text, quoted, pattern, at)
  local from, to = string.find(text, quoted, at or 1, true)
  while from do
    local told = string.match(text, pattern, to + 1)
    if told then return told, from end
    from, to = string.find(text, quoted, to + 1, true)
  end
end

local function count(text, name)
  return tonumber((after(text, name, '^%s*:%s*(%d+)')))
end

-- The objects of this name that stand in the answer itself, and not in a text in it. Where many are not closed, no more is read.
local function each(text, quoted)
  local at, torn = 1, 0
  return function()
    local from, to = string.find(text, quoted, at, true)
    while from and torn < MOST_TORN do
      at = to + 1
      if from > 1 and string.byte(text, from - 1) ~= BACKSLASH then
        local _, last, told = string.find(text, '^%s*:%s*(%b{})', at)
        if told then
          at = last + 1
          return told
        end
        if string.find(text, '^%s*:%s*{', at) then torn = torn + 1 end
      end
      from, to = string.find(text, quoted, at, true)
    end
  end
end

local function read(part, found)
  for told in each(part, '"usage"') do
    found.input = count(told, '"input_tokens"') or count(told, '"prompt_tokens"') or found.input
    found.output = count(told, '"output_tokens"') or count(told, '"completion_tokens"') or found.output
    found.cached = count(told, '"cached_tokens"') or found.cached
    found.reasoning = count(told, '"reasoning_tokens"') or count(told, '"thinking_tokens"') or found.reasoning
    found.read_beside = count(told, '"cache_read_input_tokens"') or found.read_beside
    found.written_beside = count(told, '"cache_creation_input_tokens"') or found.written_beside
  end
end

local function read_timings(part, found)
  for told in each(part, '"timings"') do
    local prompt, made = count(told, '"prompt_n"'), count(told, '"predicted_n"')
    if prompt and made then
      found.input, found.output = (count(told, '"cache_n"') or 0) + prompt, made
    end
  end
end

local function model_in(head)
  local at = 1
  while true do
    local name, from = after(head, '"model"', '^%s*:%s*"([^"\\]+)"', at)
    if name == nil or (from > 1 and string.byte(head, from - 1) ~= BACKSLASH) then return name end
    at = from + 1
  end
end

local function finish_in(tail)
  local reason, last, from = nil, nil, 0
  repeat
    last = reason
    reason, from = after(tail, '_reason"', '^%s*:%s*"([%w_]+)"', from + 1)
  until reason == nil
  return last and string.sub(last, 1, 40)
end

local function says(text, quoted)
  local at = string.find(text, quoted, 1, true)
  while at and (at == 1 or string.byte(text, at - 1) == BACKSLASH) do
    at = string.find(text, quoted, at + 1, true)
  end
  return at ~= nil
end

-- An answer that begins by telling its input counts the output at its end.
local function counts_at_end(head)
  if not string.find(head, "message_start", 1, true) then return false end
  return says(head, '"message_start"') or string.find("\n" .. head, "\nevent: *message_start") ~= nil
end

local function estimate(found, streamed, tail)
  found.estimated = true
  local made, by = math.floor(found.bytes / 4), "bytes"
  if streamed then
    made, by = found.events - (string.find(tail, "[DONE]", 1, true) and 1 or 0), "events"
  end
  found.output, found.by = math.max(0, made, found.output or 0), by
end

local function cost(price, found, given, made)
  local cached = math.min((found.cached or 0) + (found.read_beside or 0), given)
  local stored = math.min(found.written_beside or 0, given - cached)
  local thought = math.min(found.reasoning or 0, made)
  return ((given - cached - stored) * price[1] + (made - thought) * price[2] + cached * (price[3] or price[1])
    + stored * (price[4] or price[1]) + thought * (price[5] or price[2])) / 1e6
end

function envoy_on_response(handle)
  local decision = handle:streamInfo():dynamicMetadata():get("intentmesh")
  if decision == nil or decision["awaited"] == nil then return end
  if string.sub(decision["awaited"], -1) == "+" then return end -- the processor is shown this answer, and reads it
  local headers = handle:headers()
  local kind = headers:get("content-type") or ""
  local coding = headers:get("content-encoding") or "identity"
  local streamed = string.sub(kind, 1, 17) == "text/event-stream"
  if coding ~= "identity" or not (streamed or string.find(kind, "json", 1, true)) then return end
  local model_asked = decision["model"]
  local failed = (tonumber(headers:get(":status")) or 0) >= 400
  local whole = tonumber(headers:get("content-length") or "")
  local head, parts, kept, size, events, first_ms = "", {}, 0, 0, 0, nil
  local told_events, told_size = -EVERY_EVENTS, 0
  for chunk in handle:bodyChunks() do
    local length = chunk:length()
    if length > 0 then
      if first_ms == nil then first_ms = tonumber(tostring(handle:timestamp())) end
      local text = chunk:getBytes(0, length)
      if size < HEAD then head = head .. string.sub(text, 1, HEAD - size) end
      size = size + length
      parts[#parts + 1] = text
      kept = kept + length
      if kept > 4 * TAIL then
        local last = string.sub(table.concat(parts), -TAIL)
        parts, kept = { last }, #last
      end
      local at = streamed and string.find(text, "data:", 1, true)
      while at do
        events = events + 1
        at = string.find(text, "data:", at + 5, true)
      end
      -- Now and then what there is so far: an answer that is cut off, or left, never comes to its end here.
      if size ~= whole and (events - told_events >= EVERY_EVENTS or size - told_size >= EVERY_BYTES) then
        told_events, told_size = events, size
        local sofar = { events = events, first_ms = first_ms, bytes = size }
        read(head, sofar)
        estimate(sofar, streamed, "")
        handle:streamInfo():dynamicMetadata():set("intentmesh.answer", "usage", sofar)
      end
    end
  end
  if size == 0 then return end
  local tail = table.concat(parts)
  local found = { events = events, first_ms = first_ms, bytes = size }
  if size > #tail then read(head, found) end
  read(tail, found)
  if found.output == nil then read_timings(tail, found) end
  local cut = streamed and counts_at_end(head) and not says(tail, '"message_delta"')
  if found.output == nil or cut then estimate(found, streamed, tail) end
  found.finish = finish_in(tail)
  local model = model_in(head)
  if model and #model <= 200 then found.model = model end
  local metadata = handle:streamInfo():dynamicMetadata() -- what was had of Envoy before the loop does not outlast it
  metadata:set("intentmesh.answer", "usage", found)
  if failed and found.estimated then return end
  local given, made = found.input or 0, found.output
  if found.input then given = given + (found.read_beside or 0) + (found.written_beside or 0) end
  local price = PRICES[model_asked] or { 0, 0 }
  metadata:set("intentmesh", "input_tokens", given)
  metadata:set("intentmesh", "output_tokens", made)
  metadata:set("intentmesh", "total_tokens", given + made)
  metadata:set("intentmesh", "cost", cost(price, found, given, made))
end
