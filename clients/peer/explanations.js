// Why the two answer differently. A difference belongs to the first entry all of whose patterns it fits; one that fits none
// is not explained, and an entry that nothing fits is out of date: either fails the test.

export const explanations = [
  { title: "Text that is not UTF-8, or holds no text, is not read at all", where: { defect: /^not text$/ },
    why: "RFC 6749 appendix B encodes parameters in UTF-8. Bytes that are no UTF-8 make the whole request unreadable here (`invalid_request`), and at the authorization endpoint a page, because nothing in it can be trusted, its redirect URI neither. node-oidc-provider reads a replacement character and goes on." },
  { title: "Other media types have a status of their own", where: { defect: /^as |media type|UTF-16/, ours: /^415/ },
    why: "RFC 9110 §15.5.16: 415 says that the media type is wrong. RFC 6749 §4.1.3 wants UTF-8, so another charset is refused instead of read as if it were." },
  { title: "A body that is too long has a status of its own", where: { defect: /^of 100 kB$/ },
    why: "RFC 9110 §15.5.14: 413. Both refuse it; node-oidc-provider reads 56 kB." },
  { title: "A form of 200 parameters is refused", where: { defect: /^of 200 parameters$/ },
    why: "No request of OAuth has so many, and each of them costs. A limit of ours; RFC 6749 is silent." },
  { title: "Another method is not an unknown address", where: { defect: /^by (GET|PUT)$/ }, why: "RFC 9110 §15.5.6: 405 with `Allow`." },
  { title: "Parameters of a form never stand in the address", where: { defect: /^in query and body$/ },
    why: "RFC 6749 §2.3.1, §3.2: addresses are logged on their way. node-oidc-provider ignores the query." },

  { title: "Who is not known there has failed to authenticate", where: { endpoint: /^(introspection|revocation|token|pushed)/, ours: /^401 invalid_client$/, theirs: /^400 invalid_request$/ },
    why: "RFC 6749 §5.2: whoever tries the Authorization header and fails gets 401 with a challenge, also with a header that cannot be read. RFC 7662 §2.3: so does who introspects without any credentials. An assertion that cannot be read proves nothing: RFC 7521 §4.2.1 makes that `invalid_client`." },
  { title: "Two Authorization headers are refused", where: { defect: /^two headers$/ },
    why: "RFC 9110 §5.3: a field that is no list occurs once. Node.js keeps the first and drops the second, so that two readers of one request can see two senders." },
  { title: "An unknown client is an invalid request of the browser", where: { parameter: /^client_id$/, ours: /^400 invalid_request/, theirs: /^400 invalid_client$/ },
    why: "RFC 6749 §4.1.2.1 has no `invalid_client`: that code belongs to client authentication (§5.2), and nobody authenticates here. Nobody but the person reads the page." },

  { title: "A doubled or missing redirect URI gets a page", where: { endpoint: /^(authorization|pushed)/, parameter: /^redirect_uri$/ },
    why: "OpenID Connect Core §3.1.2.1: with `openid`, `redirect_uri` is REQUIRED; node-oidc-provider takes the only one that is registered (its default for such clients). A doubled one is not trusted at all here (RFC 6749 §3.1, §4.1.2.1), so nothing is redirected. The code is `invalid_request`: `invalid_redirect_uri` is registered for registration only (RFC 7591 §3.2.2)." },
  { title: "A request without `openid` is an OAuth request", where: { endpoint: /^(authorization|pushed)/, parameter: /^scope$/, defect: /^(missing|empty|a list|in capitals)$/ },
    why: "RFC 6749 §3.3: without `scope` the server's default counts, which is what the organization authorized. node-oidc-provider refuses because a `nonce` stands beside it; OpenID Connect Core §3.1.2.1 says of a request without `openid` only that it is no OpenID Connect request." },
  { title: "An unknown scope is refused", where: { parameter: /^scope$/, ours: /invalid_scope/ },
    why: "RFC 6749 §3.3, §4.1.2.1, §5.2: `invalid_scope`. The specification lets a server ignore it, which node-oidc-provider does; who misspells a scope here learns it at once." },
  { title: "A state or nonce of 9 kB is refused", where: { parameter: /^(state|nonce)$/, defect: /^oversized$/ },
    why: "8 kB is the longest that is carried to the app and back, and what is longer is refused, never cut. A limit of ours." },
  { title: "An unknown response mode is an invalid request", where: { parameter: /^response_mode$/ },
    why: "`unsupported_response_mode` is not in the registry of OAuth errors." },
  { title: "Request objects need registered keys", where: { endpoint: /with request$/ },
    why: "This app registered no keys, so it has no request objects: `request_not_supported` (OpenID Connect Core §3.1.2.6). node-oidc-provider reads the object and refuses what it finds." },
  { title: "A request URI that does not open is a page", where: { endpoint: /^authorization(, pushed| with request_uri)$/ },
    why: "RFC 9126 §4: what stands beside the reference does not count, the redirect URI neither, so there is no address to be trusted. node-oidc-provider uses the one beside it, or the only registered one." },
  { title: "A request URI is not pushed", where: { endpoint: /^pushed request with request_uri$/ },
    why: "RFC 9126 §2.1: `request_uri` MUST NOT be provided; both refuse, and the code for a malformed request is `invalid_request`." },
  { title: "A class of authentication that cannot be met is said", where: { endpoint: /with acr_values$/ },
    why: "OpenID Connect Core §5.5.1.1 makes `acr_values` a wish; RFC 9470 §5 says that, where access tokens are concerned, a server should take it as a requirement, and answer `unmet_authentication_requirements`. node-oidc-provider is configured without classes, and answers as if none had been asked for." },
  { title: "A thumbprint that is none is refused", where: { endpoint: /with dpop_jkt$/ },
    why: "RFC 9449 §10: a code bound to something that is no thumbprint could never be redeemed. node-oidc-provider finds out at redemption." },

  { title: "A verifier of the wrong form does not fit", where: { endpoint: /^token, code$/, parameter: /^code_verifier$/ },
    why: "RFC 7636 §4.6: what does not fit the challenge is `invalid_grant`; node-oidc-provider looks at the form before, and says `invalid_request`." },

  { title: "People are not left with an error when they leave", where: { endpoint: /^end session/ },
    why: "RP-Initiated Logout 1.0 §2, §4: a hint, client or address that cannot be verified ends in no redirect; what the person sees instead is for the server to choose. Here they sign out, or see that they are signed out." },

  { title: "Without a token there is no error", where: { endpoint: /^userinfo$/, ours: /^401$/ },
    why: "RFC 6750 §3.1: who sent no authentication information gets the bare challenge, without an error code." },
  { title: "A token that cannot be one is an invalid token", where: { endpoint: /^(userinfo|registration)$/, ours: /^401 invalid_token$/, theirs: /^(400 invalid_request|201)$/, parameter: /token/ },
    why: "RFC 6750 §3.1: `invalid_token` also covers a malformed token; so it does one under another scheme, and two headers of which nobody knows which counts (RFC 9110 §5.3)." },
  { title: "Tokens are taken from the header alone", where: { endpoint: /^userinfo$/, defect: /^in a form$/ },
    why: "RFC 6750 §2.2 lets a resource server leave this method out; RFC 9700 §4.3.2 is about tokens in other places." },
  { title: "Nobody signed in for a client's own token", where: { endpoint: /^userinfo$/, defect: /^of a client$/ },
    why: "The token is live and lacks `openid`: RFC 6750 §3.1 calls this `insufficient_scope`, with 403." },

  { title: "A registration that cannot be read is invalid metadata", where: { endpoint: /^registration$/, parameter: /^$/, ours: /^400 invalid_client_metadata$/ },
    why: "RFC 7591 §3.2.2 has `invalid_client_metadata` for it; `invalid_request` is not among its codes." },
  { title: "Null is the same as left out", where: { endpoint: /^registration$/, defect: /^null$/ },
    why: "RFC 7592 §2.2 says so for updates, and the first registration is read by the same rule." },
  { title: "Metadata that means nothing here is ignored", where: { endpoint: /^registration$/, parameter: /^(contacts|application_type)$/ },
    why: "RFC 7591 §2: metadata that the server does not understand MUST be ignored; of a member that is not used not even the type is looked at." },
  { title: "Scopes are cut to what the registration token allows", where: { endpoint: /^registration$/, parameter: /^scope$/ },
    why: "RFC 7591 §2, §3.2.1: the server may replace what was asked for, and the answer tells what was registered. Scopes beyond the policy are left out." },
  { title: "A name is short, and an app has a grant", where: { endpoint: /^registration$/, parameter: /^(client_name|grant_types)$/ },
    why: "People read the name where they consent, so 9 kB of it are refused. An app without any grant could do nothing; RFC 7591 §2 has a default for a missing list only." },
  { title: "Addresses stay within the registration token's hosts, and encrypted", where: { endpoint: /^registration$/, parameter: /^redirect_uris$/ },
    why: "RFC 9700 §4.1.1, RFC 8252 §8.3: no http but on loopback addresses, which `localhost` is not; a policy of ours names the hosts that an app may register." },
];

/** Whose difference this is. */
export const explanationOf = (difference) =>
  explanations.find(({ where }) => Object.entries(where).every(([field, pattern]) => pattern.test(difference[field])));
