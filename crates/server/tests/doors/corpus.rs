//! The attack corpus, sent as raw bytes through the gateway over the real contract. An upstream that remembers every byte
//! proves what arrived.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};

use super::fixture::{Doors, start, token};
use super::raw::{self, Reply};
use super::support::Server;
use super::upstream::{Received, Upstream};

pub const HOST: &str = "api.example.test";
const LOW_APP: &str = "33333333-3333-4333-8333-333333333333";
const CONV_APP: &str = "44444444-4444-4444-8444-444444444444";
const HIGH_APP: &str = "55555555-5555-4555-8555-555555555555";
const OTHER_APP: &str = "66666666-6666-4666-8666-666666666666";

const WORLD: &str = r#"
organizations:
  - id: acme
    name: Acme
    roles: [{name: Everything, permissions: ["directory:*:*", "authorization:*:*"]}]
    users:
      - {email: low@acme.test, name: Low}
      - {email: high@acme.test, name: High, roles: [Everything]}
    clients:
      - {id: 33333333-3333-4333-8333-333333333333, name: low, grant_types: [authorization_code], redirect_uris: ["https://low.test/cb"], scopes: []}
      - {id: 44444444-4444-4444-8444-444444444444, name: conv, grant_types: [authorization_code], redirect_uris: ["https://conv.test/cb"], scopes: []}
      - {id: 55555555-5555-4555-8555-555555555555, name: high, grant_types: [authorization_code], redirect_uris: ["https://high.test/cb"], scopes: []}
    authorizations:
      - {client: low, scopes: ["users:readonly", user-basic-info]}
      - {client: conv, scopes: ["conversations:readonly"]}
      - {client: high, scopes: [users, authorization, conversations]}
  - id: globex
    name: Globex
    users: [{email: other@globex.test, name: Other}]
    clients:
      - {id: 66666666-6666-4666-8666-666666666666, name: other, grant_types: [authorization_code], redirect_uris: ["https://other.test/cb"], scopes: []}
"#;

/// The corpus' fixture behind our doors, and its tokens.
pub struct Arena {
    pub server: Server,
    pub doors: Doors,
    pub upstream: Upstream,
    pub tokens: Vec<(&'static str, String)>,
}

impl Arena {
    /// Nothing where the shared folder is absent.
    pub async fn start(more: &str) -> Option<Self> {
        let contract = shared_file("contract/genesys-catalog.json")?;
        let upstream = Upstream::start().await;
        let toml = format!(
            "{more}\n[limits]\ncalls_per_token_per_minute = 1000000\n[[upstream]]\nname = \"genesys\"\n\
             contract = {contract:?}\nhosts = [\"{HOST}\"]\nurl = \"http://{}\"\nidentity_headers = \"plain\"\n",
            upstream.address
        );
        let (server, doors) = start(WORLD, &toml).await;
        let of =
            async |name, organization, app, email| (name, token(&server, organization, app, Some(email), None).await);
        let low = of("${LOW}", "acme", LOW_APP, "low@acme.test").await;
        let last = if low.1.ends_with('a') { 'b' } else { 'a' };
        let flipped = format!("{}{last}", &low.1[..low.1.len() - 1]);
        let tokens = vec![
            ("${LOW_LAST_CHAR_FLIPPED}", flipped),
            low,
            of("${CONV}", "acme", CONV_APP, "low@acme.test").await,
            of("${HIGH}", "acme", HIGH_APP, "high@acme.test").await,
            of("${OTHER_ORG}", "globex", OTHER_APP, "other@globex.test").await,
            of("${OTHER}", "globex", OTHER_APP, "other@globex.test").await,
        ];
        Some(Self { server, doors, upstream, tokens })
    }

    pub fn token(&self, name: &str) -> &str {
        let known = self.tokens.iter().find(|(known, _)| known[2..known.len() - 1] == *name);
        &known.unwrap_or_else(|| panic!("token {name} is not in the fixture")).1
    }

    /// A text of the corpus with the tokens in their places, as bytes: one for each character.
    pub fn bytes(&self, text: &str) -> Vec<u8> {
        let text = self.tokens.iter().fold(text.to_owned(), |text, (name, token)| text.replace(name, token));
        text.chars().map(|character| u8::try_from(u32::from(character)).unwrap()).collect()
    }
}

/// The corpus; nothing where the shared folder is absent.
pub fn corpus() -> Option<Vec<Value>> {
    let file = shared_file("security/gateway-attacks.json")?;
    Some(serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap())
}

pub fn shared_file(name: &str) -> Option<PathBuf> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared");
    let file = std::env::var_os("COUNTERSIGN_SHARED").map_or_else(|| default.into(), PathBuf::from).join(name);
    if file.exists() {
        return Some(file);
    }
    skip(&format!("the attack corpus at the doors: set COUNTERSIGN_SHARED to the folder with {name}"));
    None
}

/// Says what is not tested here, and how to get it.
pub fn skip(what: &str) {
    // past the test runner, which keeps the output of passing tests to itself
    let _ = writeln!(std::io::stderr(), "SKIPPED: {what}");
    if let Some(log) = std::env::var_os("COUNTERSIGN_SKIPPED_LOG") {
        let mut log = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        writeln!(log, "{what}").unwrap();
    }
}

/// What may be the answer to a case.
pub fn accepted(case: &Value) -> Vec<&str> {
    let also_ok = case["also_ok"].as_array().into_iter().flatten();
    [&case["expected"]].into_iter().chain(also_ok).map(|word| word.as_str().unwrap()).collect()
}

/// Whether a status is one of the answers that the corpus accepts. `allowed` says whether an operation's call goes through.
pub fn satisfies(status: u16, accepted: &[&str], is_allowed: &impl Fn(&str) -> bool) -> bool {
    accepted.iter().any(|expected| match (*expected, status) {
        ("reject-400", 400 | 405 | 408 | 413 | 414 | 415 | 417 | 421 | 431 | 501 | 505) => true,
        ("deny", 401 | 403 | 404 | 405) => true,
        (same, status) => same
            .strip_prefix("same-decision-as:")
            .is_some_and(|template| status == if is_allowed(template) { 200 } else { 403 }),
    })
}

/// What the fixture's token may call among the operations that the corpus names: both have scopes only, no permission.
pub fn is_allowed(template: &str) -> bool {
    match template {
        "/api/v2/users" | "/api/v2/users/{userId}" | "/api/v2/users/me" | "/api/v2/timezones" => true,
        "/api/v2/conversations/emails/{conversationId}" | "/api/v2/tokens/me" => true,
        "/api/v2/users/search" => false,
        other => panic!("is {other} allowed?"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_case_of_the_corpus_over_http_1_is_answered_as_it_demands() {
    let (Some(arena), Some(corpus)) = (Arena::start("").await, corpus()) else { return };
    let is_here = |case: &&Value| case["protocol"] == "h1" && case["timing"].is_null() && case["connections"].is_null();
    let cases: Vec<_> = corpus.iter().filter(is_here).collect();
    assert!(cases.len() > 200, "{}", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        arena.upstream.take();
        let reply = raw::send(arena.doors.gateway, &request(&arena, case)).await;
        let accepted = accepted(case);
        let mut faults = Vec::new();
        if !satisfies(reply.status(), &accepted, &is_allowed) {
            faults.push(format!("{} instead of {accepted:?}", reply.status()));
        }
        faults.extend(broken_assertions(&arena, case, &reply));
        if !faults.is_empty() {
            wrong.push(format!(
                "{} {}: {}: {}\n{}",
                case["id"],
                case["raw_request_target"],
                faults.join(", "),
                case["why"],
                reply.text
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// The bytes of a case.
pub fn request(arena: &Arena, case: &Value) -> Vec<u8> {
    if let Some(raw) = case["raw"].as_str() {
        return arena.bytes(raw);
    }
    let (method, target) = (case["method"].as_str().unwrap(), case["raw_request_target"].as_str().unwrap());
    let mut text = format!("{method} {target} HTTP/1.1\r\nHost: {HOST}\r\n");
    if case["no_default_auth"] != true {
        text += &format!("Authorization: Bearer {}\r\n", arena.token(case["token"].as_str().unwrap_or("LOW")));
    }
    for header in case["headers"].as_array().into_iter().flatten() {
        text += &format!("{}: {}\r\n", header[0].as_str().unwrap(), header[1].as_str().unwrap());
    }
    if let Some(repeat) = case["headers_repeat"].as_array() {
        let (name, value) = (repeat[0].as_str().unwrap(), repeat[1].as_str().unwrap());
        (0..repeat[2].as_u64().unwrap())
            .for_each(|index| text += &format!("{}: {value}\r\n", name.replace("%d", &index.to_string())));
    }
    let body = case["body_bytes"].as_u64().unwrap_or(0);
    if body > 0 {
        text += &format!("Content-Length: {body}\r\n");
    }
    let mut bytes = arena.bytes(&format!("{text}\r\n"));
    bytes.resize(bytes.len() + usize::try_from(body).unwrap(), b'x');
    bytes
}

/// What the corpus says beside the status.
fn broken_assertions(arena: &Arena, case: &Value, reply: &Reply) -> Vec<String> {
    let received = arena.upstream.take();
    let is_through = reply.status() == 200;
    let header = |name: &str| received.iter().any(|one| one.header(&name.to_ascii_lowercase()).is_some());
    let assertions = case["assert"].as_array().into_iter().flatten().map(|assertion| assertion.as_str().unwrap());
    let mut broken: Vec<String> = assertions
        .filter(|assertion| {
            let (what, rest) = assertion.split_once(':').unwrap_or((assertion, ""));
            !match what {
                "upstream-target" => !is_through || received.iter().map(Received::target).eq([rest]),
                "upstream-requests" => received.len() == rest.parse::<usize>().unwrap(),
                "upstream-requests-max" => received.len() <= rest.parse::<usize>().unwrap(),
                "never-seen-upstream" => received.iter().all(|one| one.target() != rest),
                "upstream-header-present" => !is_through || header(rest),
                "upstream-header-absent" => !header(rest),
                "upstream-header-not" => {
                    let (name, value) = rest.split_once('=').unwrap();
                    received.iter().all(|one| one.header(&name.to_ascii_lowercase()) != Some(value))
                }
                "connection-closed" => reply.is_closed,
                "connection-closed-or-drained" => reply.is_closed || reply.statuses().count() == 1,
                "second-response" => matches!(reply.statuses().nth(1), Some(401 | 403 | 404)),
                other => panic!("assertion {other} is not known"),
            }
        })
        .map(str::to_owned)
        .collect();
    if !is_through && !received.is_empty() && case["id"] != "GA-321" {
        broken.push(format!("refused, and yet {:?}", received[0].line));
    }
    broken
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_are_cut() {
    let (Some(arena), Some(corpus)) = (Arena::start("").await, corpus()) else { return };
    let cases = corpus.iter().filter(|case| case["timing"].is_string());
    let replies = cases.map(async |case| {
        let bytes = arena.bytes(case["raw"].as_str().unwrap());
        let head = if bytes.ends_with(b"\r\n\r\n") { bytes.len() } else { 0 };
        let mut stream = TcpStream::connect(arena.doors.gateway).await.unwrap();
        stream.write_all(&bytes[..head]).await.unwrap();
        let (mut reading, mut writing) = stream.into_split();
        let trickle = tokio::spawn(async move {
            for byte in bytes[head..].iter().chain(std::iter::repeat(&b'x')) {
                if writing.write_all(&[*byte]).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let mut received = Vec::new();
        let most = Duration::from_secs(case["max_seconds"].as_u64().unwrap());
        let ended = tokio::time::timeout(most, tokio::io::AsyncReadExt::read_to_end(&mut reading, &mut received)).await;
        trickle.abort();
        assert!(ended.is_ok(), "{}: still open after {most:?}", case["id"]);
        let text = String::from_utf8_lossy(&received);
        assert!(text.starts_with("HTTP/1.1 4"), "{}: {text:?}", case["id"]);
    });
    assert_eq!(super::support::at_once(replies).await.len(), 2);
    assert!(arena.upstream.take().iter().all(|one| one.body.len() < 40), "nothing of a cut body counts as a request");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_floods_takes_no_place_from_others() {
    let Some(arena) = Arena::start("").await else { return };
    let address = arena.doors.gateway;
    let mut idle = Vec::new();
    for _ in 0..250 {
        idle.push(TcpStream::connect(address).await.unwrap());
    }
    let request = format!(
        "GET /api/v2/users HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {}\r\nConnection: close\r\n\r\n",
        arena.token("LOW")
    );
    assert_eq!(raw::send(address, request.as_bytes()).await.status(), 0, "the place of this address is taken");
    assert_eq!(from_elsewhere(address, request.as_bytes()).await.status(), 200);
}

async fn from_elsewhere(address: SocketAddr, request: &[u8]) -> Reply {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut stream = socket.connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    raw::read(&mut stream, Duration::from_millis(60)).await
}
