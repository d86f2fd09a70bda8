-- What the scripts of limits share; put before each, after the number of SLOTS (window.py).
-- A bucket is a list of what was granted, newest first, by this server's clock: "moment before count", where `before`
-- is how many were granted in all before these. What is granted within one slot of the window is one entry, at the
-- moment of the last: so no bucket is longer than that, whatever its limit.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

local function read(entry)
  local moment, before, count = string.match(entry, '(%d+) (%d+) (%d+)')
  return tonumber(moment), tonumber(before), tonumber(count)
end

local function written(moment, before, count)
  return string.format('%.0f %.0f %.0f', moment, before, count)
end

local function is_one_slot(moment, other, window)
  return math.floor(moment * SLOTS / window) == math.floor(other * SLOTS / window)
end
