-- The action `lua.countersign`: asks Countersign about the request, and ends it here unless the answer is 200.
-- HAProxy has no sub-request of its own. Needs HAProxy 2.6 or later with Lua.
--
--   http-request lua.countersign http://127.0.0.1:8080/enforce/forward-auth

local IDENTITY = { "x-countersign-identity", "x-org-id", "x-client-id", "x-user-id", "x-scopes" }
local SHOWN = { "content-type", "www-authenticate", "retry-after", "allow", "cache-control", "inin-correlation-id", "dpop-nonce",
  "inin-ratelimit-count", "inin-ratelimit-allowed", "inin-ratelimit-reset" }
local TIMEOUT_MS = 3000

local function deny(txn, status, headers, body)
  local reply = txn:reply{ status = status }
  for name, value in pairs(headers) do reply:add_header(name, value) end
  reply:set_body(body)
  txn:done(reply)
end

local function unavailable(txn)
  deny(txn, 503, { ["content-type"] = "application/json" }, '{"message":"The call cannot be decided now","code":"service.unavailable","status":503}')
end

-- The one value of a header; nil where there is none, false where there are two.
local function one(values)
  if values == nil then return nil end
  local found = nil
  for _, value in pairs(values) do
    if found ~= nil then return false end
    found = value
  end
  return found
end

-- HAProxy lets NUL and other control characters stand in values; nobody else should see them (RFC 9110 5.5).
local function has_control_characters(headers)
  for _, values in pairs(headers) do
    for _, value in pairs(values) do
      if value:find("[\0-\8\10-\31\127]") then return true end
    end
  end
  return false
end

local function ask(txn, address)
  local sent = txn.http:req_get_headers()
  if has_control_characters(sent) then
    return deny(txn, 400, { ["content-type"] = "application/json" }, '{"message":"A control character in a header","code":"bad.request","status":400}')
  end
  local host, authorization, dpop = one(sent["host"]), one(sent["authorization"]), one(sent["dpop"])
  if not host or authorization == false or dpop == false then
    return deny(txn, 400, { ["content-type"] = "application/json" }, '{"message":"One Host, and at most one Authorization and DPoP","code":"bad.request","status":400}')
  end
  local headers = {
    ["x-forwarded-method"] = { txn.sf:method() },
    ["x-forwarded-uri"] = { txn.sf:pathq() },
    ["x-forwarded-host"] = { host },
    ["x-forwarded-proto"] = { txn.f:ssl_fc() == 1 and "https" or "http" },
  }
  if authorization then headers["authorization"] = { authorization } end
  if dpop then headers["dpop"] = { dpop } end

  local answer = core.httpclient():get{ url = address, headers = headers, timeout = TIMEOUT_MS }
  if answer == nil or answer.status == nil or answer.status == 0 then return unavailable(txn) end
  if answer.status == 200 then
    -- set or delete, each time
    for _, name in ipairs(IDENTITY) do
      txn.http:req_del_header(name)
      local value = one(answer.headers[name])
      if value then txn.http:req_set_header(name, value) end
    end
    -- where the caller stands in its minute, for the answer
    for _, part in ipairs({ "count", "allowed", "reset" }) do
      local value = one(answer.headers["inin-ratelimit-" .. part])
      if value then txn:set_var("txn.countersign_rate_" .. part, value) end
    end
    txn:set_var("txn.countersign_allowed", true)
    return
  end
  if answer.status < 400 then return unavailable(txn) end
  local shown = {}
  for _, name in ipairs(SHOWN) do
    local value = one(answer.headers[name])
    if value then shown[name] = value end
  end
  deny(txn, answer.status, shown, answer.body or "")
end

core.register_action("countersign", { "http-req" }, ask, 1)
