-- Adds grants that were made while this server was away, each in its place among those of a bucket (bucket.lua).
-- KEYS: the bucket. ARGV: the window, then how long ago a grant was and how many there were, for each grant in turn;
-- times in microseconds. Answers how many the bucket holds.
local window = tonumber(ARGV[1])
local grants = {}
for _, entry in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  local moment, _, count = read(entry)
  grants[#grants + 1] = {moment, count}
end
for index = 2, #ARGV, 2 do
  grants[#grants + 1] = {now - tonumber(ARGV[index]), tonumber(ARGV[index + 1])}
end
table.sort(grants, function(one, other) return one[1] < other[1] end)
redis.call('DEL', KEYS[1])
local before = 0
for index, grant in ipairs(grants) do
  local following = grants[index + 1]
  if following and is_one_slot(grant[1], following[1], window) then
    following[2] = following[2] + grant[2]
  else
    redis.call('LPUSH', KEYS[1], written(grant[1], before, grant[2]))
    before = before + grant[2]
  end
end
redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000))
return before
