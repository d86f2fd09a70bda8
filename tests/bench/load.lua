-- One question, sent again and again by the keys in turn. Arguments: a file with the body, a file with a value of the
-- header Authorization in each line. The last line of the output is the result.
local requests = {}
local sent = 0

function init(arguments)
  local file = assert(io.open(arguments[1], "rb"))
  local body = file:read("*a")
  file:close()
  for authorization in io.lines(arguments[2]) do
    local headers = { ["Content-Type"] = "application/json" }
    if authorization ~= "" then
      headers["Authorization"] = authorization
    end
    requests[#requests + 1] = wrk.format("POST", nil, headers, body)
  end
end

function request()
  sent = sent + 1
  return requests[sent % #requests + 1]
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.timeout
  print(string.format(
    '{"answers":%d,"seconds":%.6f,"p50_us":%.1f,"p99_us":%.1f,"refused":%d,"failed":%d}',
    summary.requests, summary.duration / 1000000, latency:percentile(50), latency:percentile(99), errors.status, failed
  ))
end
