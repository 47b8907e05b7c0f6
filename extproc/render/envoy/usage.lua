-- Reads what an answer says it used, as it passes by: nothing is held back, and no text is kept. The processor is told of it
-- by the access log, together with the status, so that it need not be shown the answer.
local HEAD, TAIL = 4096, 8192
local PRICES = {}

local function count(text, name)
  return tonumber(string.match(text, '"' .. name .. '"%s*:%s*(%d+)'))
end

local function each(text, name)
  return string.gmatch(text, '[^\\]"' .. name .. '"%s*:%s*(%b{})')
end

local function read(part, found)
  for told in each(part, "usage") do
    found.input = count(told, "input_tokens") or count(told, "prompt_tokens") or found.input
    found.output = count(told, "output_tokens") or count(told, "completion_tokens") or found.output
  end
end

local function read_timings(part, found)
  for told in each(part, "timings") do
    local prompt, made = count(told, "prompt_n"), count(told, "predicted_n")
    if prompt and made then
      found.input, found.output = (count(told, "cache_n") or 0) + prompt, made
    end
  end
end

function envoy_on_response(handle)
  local decision = handle:streamInfo():dynamicMetadata():get("intentmesh")
  if decision == nil or decision["awaited"] == nil then return end
  local headers = handle:headers()
  local kind = headers:get("content-type") or ""
  local coding = headers:get("content-encoding") or "identity"
  local streamed = string.sub(kind, 1, 17) == "text/event-stream"
  if coding ~= "identity" or not (streamed or string.find(kind, "json", 1, true)) then return end
  local model_asked = decision["model"]
  local failed = (tonumber(headers:get(":status")) or 0) >= 400
  local head, tail, size, events, first_ms = "", "", 0, 0, nil
  for chunk in handle:bodyChunks() do
    local length = chunk:length()
    if length > 0 then
      if first_ms == nil then first_ms = tonumber(tostring(handle:timestamp())) end
      local text = chunk:getBytes(0, length)
      if size < HEAD then head = head .. string.sub(text, 1, HEAD - size) end
      size = size + length
      tail = tail .. text
      if #tail > 4 * TAIL then tail = string.sub(tail, -TAIL) end
      local at = streamed and string.find(text, "data:", 1, true)
      while at do
        events = events + 1
        at = string.find(text, "data:", at + 5, true)
      end
    end
  end
  if size == 0 then return end
  local found = { events = events, first_ms = first_ms, bytes = size }
  if size > #tail then read(head, found) end
  read(tail, found)
  if found.output == nil then read_timings(tail, found) end
  if found.output == nil then
    found.estimated = true
    found.output = math.floor(size / 4)
    if streamed then
      found.output = events - (string.find(tail, "[DONE]", 1, true) and 1 or 0)
    end
  end
  for reason in string.gmatch(tail, '_reason"%s*:%s*"([%w_]+)"') do
    found.finish = string.sub(reason, 1, 40)
  end
  local model = string.match(head, '[^\\]"model"%s*:%s*"([^"\\]+)"')
  if model and #model <= 200 then found.model = model end
  local metadata = handle:streamInfo():dynamicMetadata() -- what was had of Envoy before the loop does not outlast it
  metadata:set("intentmesh.answer", "usage", found)
  if failed and found.estimated then return end
  local given, made = found.input or 0, found.output
  local price = PRICES[model_asked] or { 0, 0 }
  metadata:set("intentmesh", "input_tokens", given)
  metadata:set("intentmesh", "output_tokens", made)
  metadata:set("intentmesh", "total_tokens", given + made)
  metadata:set("intentmesh", "cost", (given * price[1] + made * price[2]) / 1e6)
end
