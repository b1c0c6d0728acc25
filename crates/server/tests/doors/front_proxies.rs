//! The real nginx, Caddy, HAProxy, Envoy and Traefik with the files of `deploy/`: asking us before they forward, and before our
//! gateway.

mod proxy;

use std::time::Duration;

use serde_json::Value;

use self::proxy::{Kind, Proxy, Role};
use super::corpus::{Arena, HOST, accepted, corpus, request};
use super::fixture::{Fixture, READER, SHOP};
use super::gateway::SPOOFED;
use super::raw::{Reply, send, send_and_wait};
use super::upstream::Received;

const EVERY: [Kind; 5] = [Kind::Nginx, Kind::Caddy, Kind::HaProxy, Kind::Envoy, Kind::Traefik];
/// Every set-up that has a file.
const SET_UPS: [(Kind, Role); 8] = [
    (Kind::Nginx, Role::Asks),
    (Kind::Nginx, Role::Before),
    (Kind::Caddy, Role::Asks),
    (Kind::Caddy, Role::Before),
    (Kind::HaProxy, Role::Asks),
    (Kind::HaProxy, Role::Before),
    (Kind::Envoy, Role::Asks),
    (Kind::Traefik, Role::Asks),
];

const PATIENCE: Duration = Duration::from_millis(30);

/// Who a call is said to come from.
const IDENTITY: [&str; 4] = ["x-org-id", "x-client-id", "x-user-id", "x-scopes"];

/// Cases whose expected refusal becomes a harmless request on its way through a proxy, and why. What then arrives is checked all the
/// same: it is canonical, exactly what was decided, and of the caller that was decided.
const HARMLESS: [(&str, &[Kind], &str); 12] = [
    ("GA-143", &EVERY, "a foreign scheme: only path and query are decided and forwarded"),
    ("GA-144", &[Kind::Caddy, Kind::Traefik], "one slash behind the scheme: the same"),
    ("GA-145", &[Kind::Caddy, Kind::HaProxy, Kind::Traefik], "an empty authority: the same"),
    ("GA-195", &EVERY, "names with an underscore are taken away"),
    ("GA-243", &EVERY, "Connection names Host: Connection itself is taken away"),
    ("GA-244", &EVERY, "Connection names Content-Length: the same"),
    (
        "GA-287",
        &[Kind::Caddy, Kind::HaProxy, Kind::Envoy, Kind::Traefik],
        "a folded line is made one line (RFC 9112 5.2)",
    ),
    ("GA-289", &EVERY, "bare line feeds are read (RFC 9112 2.2), and written as CR LF"),
    ("GA-290", &[Kind::Envoy], "a bare CR in a value is left out before anybody decides"),
    ("GA-294", &[Kind::Nginx], "a line without colon is left out"),
    ("GA-308", &EVERY, "an unknown minor version is read as 1.1 (RFC 9110 2.5)"),
    ("GA-396", &[Kind::Caddy, Kind::Traefik], "braces are encoded before anybody decides"),
];

/// The same of proxies that ask, where the gateway refuses.
const HARMLESS_WHEN_ASKED: [(&str, &[Kind], &str); 3] = [
    ("GA-329", &[Kind::Nginx], "200 headers: only those go on that the file names"),
    (
        "GA-329",
        &[Kind::Traefik],
        "200 headers: Traefik asks with the headers that its file names, and bounds the block at 1 MiB",
    ),
    ("GA-331", &[Kind::Traefik], "a value of more than 16 KiB: the same"),
];

async fn arrives_only_as_decided(kind: Kind, role: Role) {
    let (Some(arena), Some(corpus)) = (Arena::start("").await, corpus()) else { return };
    let proxy = Proxy::start(kind, role, &arena.server, arena.doors, arena.upstream.address).await;
    let Some(proxy) = proxy else { return };
    let is_here = |case: &&Value| case["protocol"] == "h1" && case["timing"].is_null() && case["connections"].is_null();
    let (mut count, mut through, mut wrong) = (0, 0, Vec::new());
    for case in corpus.iter().filter(is_here) {
        let bytes = request(&arena, case);
        send_and_wait(proxy.address, &bytes, PATIENCE).await;
        let received = arena.upstream.take();
        count += 1;
        through += usize::from(!received.is_empty());
        let is_harmless = is_harmless(kind, role, case);
        let mut faults = broken_assertions(case, &received, is_harmless);
        for one in &received {
            faults.extend(fault(&arena, &bytes, one).await);
        }
        let is_to_be_refused = !accepted(case).iter().any(|answer| answer.starts_with("same-decision-as:"));
        if is_to_be_refused && !received.is_empty() && !is_harmless {
            faults.push("was to be refused".to_owned());
        }
        if !faults.is_empty() {
            let lines: Vec<_> = received.iter().map(|one| one.line.as_str()).collect();
            wrong.push(format!("{} {lines:?}: {}: {}", case["id"], faults.join("; "), case["why"]));
        }
    }
    assert!(count > 200 && through > 20, "{through} of {count} arrived");
    assert!(wrong.is_empty(), "{kind:?} {role:?}: {} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}

fn is_harmless(kind: Kind, role: Role, case: &Value) -> bool {
    let asked = HARMLESS_WHEN_ASKED.iter().filter(|_| role == Role::Asks);
    HARMLESS.iter().chain(asked).any(|(id, kinds, _)| case["id"] == **id && kinds.contains(&kind))
}

/// Asks us about what arrived, as it arrived: it must be allowed for a token that was sent, in canonical form, and of the caller that
/// it is said to be of.
async fn fault(arena: &Arena, sent: &[u8], one: &Received) -> Option<String> {
    let (method, target) = (one.line.split(' ').next().unwrap(), one.target());
    if !target.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Some(format!("`{}` arrived", one.line));
    }
    if let Some((name, _)) = one.headers.iter().find(|(name, _)| name.contains('_')) {
        return Some(format!("`{name}` arrived"));
    }
    let sent = String::from_utf8_lossy(sent);
    let tokens = arena.tokens.iter().map(|(_, token)| token.as_str()).filter(|token| sent.contains(token));
    for token in tokens.chain([""]) {
        let authorization = format!("Bearer {token}");
        let mut headers = vec![
            ("x-forwarded-method", method),
            ("x-forwarded-uri", target),
            ("x-forwarded-host", HOST),
            ("x-forwarded-proto", "http"),
        ];
        if !token.is_empty() {
            headers.push(("authorization", &authorization));
        }
        let answer = arena.server.send("GET", "/enforce/forward-auth", &headers, "").await;
        let is_said = |name: &&str| one.header(name).unwrap_or_default() == answer.header(name);
        if answer.status == 200 && IDENTITY.iter().all(is_said) {
            return None;
        }
    }
    Some(format!("`{}` is allowed for no token that was sent, or the caller is another", one.line))
}

/// What the corpus says about the upstream.
fn broken_assertions(case: &Value, received: &[Received], is_harmless: bool) -> Vec<String> {
    let assertions = case["assert"].as_array().into_iter().flatten().map(|assertion| assertion.as_str().unwrap());
    let all = |holds: &dyn Fn(&Received) -> bool| received.iter().all(holds);
    let holds = |assertion: &&str| {
        let (what, rest) = assertion.split_once(':').unwrap_or((assertion, ""));
        match what {
            "upstream-requests" | "upstream-requests-max" => {
                is_harmless || received.len() <= rest.parse::<usize>().unwrap()
            }
            "never-seen-upstream" => all(&|one| one.target() != rest),
            "upstream-header-present" => all(&|one| one.header(&rest.to_ascii_lowercase()).is_some()),
            "upstream-header-absent" => all(&|one| one.header(&rest.to_ascii_lowercase()).is_none()),
            "upstream-header-not" => {
                let (name, value) = rest.split_once('=').unwrap();
                all(&|one| one.header(&name.to_ascii_lowercase()) != Some(value))
            }
            // of the answer and the connection, which are the proxy's here; the target is compared with the decision
            _ => true,
        }
    };
    assertions.filter(|assertion| !holds(assertion)).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_attack_gets_through_nginx_that_asks() {
    arrives_only_as_decided(Kind::Nginx, Role::Asks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_attack_gets_through_caddy_that_asks() {
    arrives_only_as_decided(Kind::Caddy, Role::Asks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_attack_gets_through_haproxy_that_asks() {
    arrives_only_as_decided(Kind::HaProxy, Role::Asks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_attack_gets_through_envoy_that_asks() {
    arrives_only_as_decided(Kind::Envoy, Role::Asks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_attack_gets_through_traefik_that_asks() {
    arrives_only_as_decided(Kind::Traefik, Role::Asks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_attack_gets_through_nginx_and_the_gateway() {
    arrives_only_as_decided(Kind::Nginx, Role::Before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_attack_gets_through_caddy_and_the_gateway() {
    arrives_only_as_decided(Kind::Caddy, Role::Before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_attack_gets_through_haproxy_and_the_gateway() {
    arrives_only_as_decided(Kind::HaProxy, Role::Before).await;
}

/// A proxy before one upstream.
struct Scene {
    fixture: Fixture,
    proxy: Proxy,
    kind: Kind,
    role: Role,
}

impl Scene {
    async fn start(kind: Kind, role: Role) -> Option<Self> {
        let fixture = Fixture::start("identity_headers = \"plain\"").await;
        let proxy = Proxy::start(kind, role, &fixture.server, fixture.doors, fixture.upstream.address).await?;
        Some(Self { fixture, proxy, kind, role })
    }

    async fn call(&self, method: &str, target: &str, token: &str, more: &str) -> Reply {
        let authorization = if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
        let body = if method == "POST" { "Content-Length: 5\r\n\r\nhello" } else { "\r\n" };
        let head = format!("{method} {target} HTTP/1.1\r\nHost: api.test\r\n{authorization}{more}{body}");
        send(self.proxy.address, head.as_bytes()).await
    }

    #[track_caller]
    fn is_answered(&self, reply: &Reply, status: u16, parts: &[&str]) {
        let (kind, role, text) = (self.kind, self.role, reply.text.to_lowercase());
        assert_eq!(reply.status(), status, "{kind:?} {role:?}: {}", reply.text);
        let absent = parts.iter().find(|part| !text.contains(**part));
        assert!(absent.is_none(), "{kind:?} {role:?}: {absent:?} is not in {}", reply.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_see_our_answers_and_upstreams_our_word_through_every_proxy() {
    for (kind, role) in SET_UPS {
        let Some(scene) = Scene::start(kind, role).await else { continue };
        ordinary_calls(&scene).await;
    }
}

/// An upstream that changes to another protocol reads what follows without anybody deciding it.
#[tokio::test(flavor = "multi_thread")]
async fn no_proxy_opens_a_tunnel_that_nobody_decides() {
    for (kind, role) in SET_UPS {
        let Some(scene) = Scene::start(kind, role).await else { continue };
        let token = scene.fixture.token(SHOP, "ada@acme.test").await;
        let websocket = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        for fields in [
            &format!("Upgrade: websocket\r\nConnection: Upgrade\r\n{websocket}"),
            "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
            "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
            "Upgrade: any/1\r\nConnection: upgrade\r\n",
        ] {
            let behind = "DELETE /books/1 HTTP/1.1\r\nHost: api.test\r\n\r\n";
            let head = format!(
                "GET /books HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer {token}\r\n{fields}\r\n{behind}"
            );
            let reply = send(scene.proxy.address, head.as_bytes()).await;
            assert_ne!(reply.status(), 101, "{kind:?} {role:?}: {fields}: {}", reply.text);
            let received = scene.fixture.upstream.take();
            let upgrades = received.iter().filter(|one| one.header("upgrade").is_some()).count();
            let deletes = received.iter().filter(|one| one.line.starts_with("DELETE")).count();
            assert_eq!((upgrades, deletes), (0, 0), "{kind:?} {role:?}: {fields}: {received:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_forges_a_caller_through_any_proxy() {
    for (kind, role) in SET_UPS {
        let Some(scene) = Scene::start(kind, role).await else { continue };
        let token = scene.fixture.token(SHOP, "ada@acme.test").await;
        for name in SPOOFED {
            let reply = scene.call("GET", "/books", &token, &format!("{name}: forged\r\n")).await;
            let received = scene.fixture.upstream.take();
            let said = received.iter().flat_map(|one| &one.headers).find(|(_, value)| value == "forged");
            assert!(said.is_none(), "{kind:?} {role:?}: {said:?}");
            assert!(matches!(reply.status(), 200 | 400), "{kind:?} {role:?}: {name}: {}", reply.text);
        }
    }
}

async fn ordinary_calls(scene: &Scene) {
    let upstream = &scene.fixture.upstream;
    let token = scene.fixture.token(SHOP, "ada@acme.test").await;
    // Envoy refuses names with an underscore
    let alike = if scene.kind == Kind::Envoy { "" } else { "X_User_Id: root\r\n" };
    let spoofed =
        &format!("X-User-Id: root\r\nX-Org-Id: globex\r\nX-Scopes: all\r\n{alike}X-Countersign-Identity: a.b.c\r\n");

    let reply = scene.call("POST", "/books?a=%2F", &token, spoofed).await;
    scene.is_answered(&reply, 200, &["\r\n\r\nok"]);
    // Caddy and Traefik hand on nothing of an allow but what is for the upstream
    if scene.role == Role::Before || !matches!(scene.kind, Kind::Caddy | Kind::Traefik) {
        let standing = ["inin-ratelimit-count: 1\r\n", "inin-ratelimit-allowed: 3000\r\n", "inin-ratelimit-reset: "];
        scene.is_answered(&reply, 200, &standing);
    }
    let one = upstream.take_one();
    assert!(one.line.starts_with("POST /books?a=%2F HTTP/1."), "{}", one.line);
    assert_eq!((one.header("x-org-id"), one.header("x-client-id")), (Some("acme"), Some(SHOP)));
    assert_eq!((one.header("x-scopes"), one.header("authorization")), (Some("books"), None));
    assert!(one.header("x-user-id").is_some_and(|user| user != "root"));
    assert_eq!((one.header("x-countersign-identity"), one.header("x_user_id")), (None, None));
    assert_eq!(one.body, b"hello");

    let reply = scene.call("GET", "/hours", "", spoofed).await;
    scene.is_answered(&reply, 200, &[]);
    let one = upstream.take_one();
    let said = IDENTITY.map(|name| one.header(name).unwrap_or_default().to_owned());
    assert_eq!(said, ["", "", "", ""], "{:?}", scene.kind);

    let reader = scene.fixture.token(READER, "bob@acme.test").await;
    let missing = ["application/json", "\"missing\"", "\"books:book:add\"", "app.not.authorized.for.scope"];
    scene.is_answered(&scene.call("POST", "/books", &reader, "").await, 403, &missing);
    scene.is_answered(&scene.call("GET", "/books", "", "").await, 401, &["www-authenticate: bearer", "\"status\":401"]);
    scene.is_answered(&scene.call("GET", "/nothing", &token, "").await, 404, &["\"status\":404"]);
    scene.is_answered(&scene.call("PUT", "/books", &token, "").await, 405, &["\"status\":405"]);
    scene.is_answered(&scene.call("GET", "/books//", &token, "").await, 400, &["\"status\":400"]);
    assert_eq!(scene.call("GET", "/books", &token, "X-HTTP-Method-Override: DELETE\r\n").await.status(), 400);
    scene.fixture.revoke(&token, SHOP).await;
    let standing = ["invalid_token", "inin-ratelimit-count: 0\r\n"];
    scene.is_answered(&scene.call("GET", "/books", &token, "").await, 401, &standing);
    assert_eq!(upstream.take().len(), 0, "{:?}", scene.kind);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_passes_while_nobody_decides() {
    for (kind, role) in SET_UPS.into_iter().filter(|(_, role)| *role == Role::Asks) {
        let Some(scene) = Scene::start(kind, role).await else { continue };
        let token = scene.fixture.token(SHOP, "ada@acme.test").await;
        scene.is_answered(&scene.call("GET", "/books", &token, "").await, 200, &[]);
        let Scene { fixture, proxy, .. } = scene;
        let Fixture { server, upstream, .. } = fixture;
        drop(server);
        let call = format!("GET /books HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer {token}\r\n\r\n");
        // connections that the proxy keeps end a moment later than the server
        for _ in 0..100 {
            if send(proxy.address, call.as_bytes()).await.status() != 200 {
                break;
            }
        }
        upstream.take();
        let reply = send(proxy.address, call.as_bytes()).await;
        match kind {
            // these have something to say for themselves
            Kind::Caddy | Kind::Traefik => assert!(matches!(reply.status(), 500 | 502), "{kind:?}: {}", reply.text),
            Kind::Nginx | Kind::HaProxy | Kind::Envoy => assert_eq!(reply.status(), 503, "{kind:?}: {}", reply.text),
        }
        assert_eq!(upstream.take().len(), 0, "{kind:?}");
    }
}
