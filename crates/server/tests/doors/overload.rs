//! More than can be worked on: what is refused at once, and who goes first. Places are taken, an upstream waits until it is told
//! to answer, and the processor is kept busy by the test itself.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use countersign_server::load::Kind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

use super::ext_authz::{check, connect, status};
use super::fixture::{Fixture, SHOP, token};
use super::raw;
use super::upstream::Upstream;

/// An upstream that takes requests and answers each when it gets a permit to.
struct Patient {
    upstream: Upstream,
    came: Arc<Semaphore>,
    may_answer: Arc<Semaphore>,
}

impl Patient {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut upstream = Upstream::start().await;
        upstream.address = listener.local_addr().unwrap();
        let (came, may_answer) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let (told, waits) = (Arc::clone(&came), Arc::clone(&may_answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(wait_and_answer(stream, Arc::clone(&told), Arc::clone(&waits)));
            }
        });
        Self { upstream, came, may_answer }
    }
}

async fn wait_and_answer(mut stream: TcpStream, came: Arc<Semaphore>, may_answer: Arc<Semaphore>) {
    let mut bytes = vec![0; 8_192];
    while stream.read(&mut bytes).await.is_ok_and(|count| count > 0) {
        came.add_permits(1);
        may_answer.acquire().await.unwrap().forget();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.unwrap();
    }
}

async fn forward_auth(fixture: &Fixture, target: &str) -> u16 {
    let headers = [
        ("x-forwarded-method", "GET"),
        ("x-forwarded-uri", target),
        ("x-forwarded-host", "api.test"),
        ("x-forwarded-proto", "https"),
    ];
    fixture.server.send("GET", "/enforce/forward-auth", &headers, "").await.status
}

#[tokio::test]
async fn an_upstream_gets_so_many_calls_at_a_time_and_the_doors_stay_open_meanwhile() {
    let Patient { upstream, came, may_answer } = Patient::start().await;
    let fixture = Arc::new(Fixture::before(upstream, "calls_at_a_time = 3").await);
    let token = fixture.token(SHOP, "ada@acme.test").await;
    let request = format!("GET /books HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer {token}\r\n\r\n");
    let gateway = fixture.doors.gateway;
    let calls: Vec<_> = (0..3)
        .map(|_| {
            let request = request.clone();
            tokio::spawn(
                async move { raw::send_and_wait(gateway, request.as_bytes(), Duration::from_millis(200)).await },
            )
        })
        .collect();
    came.acquire_many(3).await.unwrap().forget();

    for _ in 0..20 {
        let reply = raw::send(gateway, request.as_bytes()).await;
        assert!(reply.status() == 503 && reply.text.contains("retry-after: 1\r\n"), "{}", reply.text);
        assert!(reply.text.contains("as many calls as it may have"), "{}", reply.text);
    }
    assert_eq!(fixture.call("GET", "/nothing", &token).await.status(), 404, "decided all the same");
    assert_eq!(forward_auth(&fixture, "/hours").await, 200);

    may_answer.add_permits(3);
    for call in calls {
        assert_eq!(call.await.unwrap().status(), 200, "what was taken is answered");
    }
    may_answer.add_permits(10);
    for _ in 0..10 {
        assert_eq!(raw::send(gateway, request.as_bytes()).await.status(), 200, "places are given back");
    }
}

#[tokio::test]
async fn one_tenant_that_is_slow_leaves_places_to_others() {
    let Patient { upstream, came, may_answer } = Patient::start().await;
    let fixture = Fixture::before(upstream, "calls_at_a_time = 16").await;
    let ada = fixture.token(SHOP, "ada@acme.test").await;
    let gus = token(&fixture.server, "globex", SHOP, Some("gus@globex.test"), None).await;
    let request = |token: &str, rest: &str| {
        format!("POST /books HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer {token}\r\n{rest}\r\n")
    };
    let mut slow = Vec::new();
    for _ in 0..14 {
        let mut client = TcpStream::connect(fixture.doors.gateway).await.unwrap();
        client.write_all(request(&ada, "Content-Length: 2\r\n").as_bytes()).await.unwrap();
        came.acquire().await.unwrap().forget();
        slow.push(client);
    }
    let refused = raw::send(fixture.doors.gateway, request(&ada, "Content-Length: 0\r\n").as_bytes()).await;
    assert_eq!(refused.status(), 503);
    let get = format!("GET /books HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer {gus}\r\n\r\n");
    let gateway = fixture.doors.gateway;
    let other =
        tokio::spawn(async move { raw::send_and_wait(gateway, get.as_bytes(), Duration::from_millis(200)).await });
    came.acquire().await.unwrap().forget();
    may_answer.add_permits(15);
    assert_eq!(other.await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_call_that_its_client_leaves_gives_its_place_back() {
    let Patient { upstream, came, may_answer } = Patient::start().await;
    let fixture = Fixture::before(upstream, "calls_at_a_time = 1").await;
    let token = fixture.token(SHOP, "ada@acme.test").await;
    let request = format!("GET /books HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer {token}\r\n\r\n");
    let mut client = TcpStream::connect(fixture.doors.gateway).await.unwrap();
    client.write_all(request.as_bytes()).await.unwrap();
    came.acquire().await.unwrap().forget();
    assert_eq!(fixture.call("GET", "/books", &token).await.status(), 503);
    drop(client);
    may_answer.add_permits(100);
    let mut status = 503;
    for _ in 0..400 {
        status = fixture.call("GET", "/books", &token).await.status();
        if status == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert_eq!(status, 200);
}

#[tokio::test]
async fn pages_are_refused_before_decisions_and_both_are_told_to_come_back() {
    let fixture = Fixture::start("[limits]\ncalls_at_a_time = 4\n").await;
    let token = fixture.token(SHOP, "ada@acme.test").await;
    let (load, most) = (&fixture.server.app.load, NonZeroUsize::new(4).unwrap());
    let take = |count: usize| -> Vec<_> { (0..count).map(|_| load.take(Kind::Decision, most).unwrap()).collect() };
    let get = async |path: &str, accept: &str| fixture.server.send("GET", path, &[("accept", accept)], "").await;
    let mut envoy = connect(fixture.doors.ext_authz).await;

    let half = take(2);
    for path in ["/", "/oauth/authorize?client_id=x", "/static/style.css"] {
        let page = get(path, "text/html").await;
        assert_eq!((page.status, page.header("retry-after")), (503, "1"), "{path}");
        assert!(page.text.contains("<html"), "{path}: {}", page.text);
    }
    let answer = get("/api/v2/users/me", "*/*").await;
    assert_eq!((answer.status, answer.body["code"].as_str()), (503, Some("service.unavailable")));
    assert_eq!(fixture.server.token("a:b", &[("grant_type", "client_credentials")]).await.status, 503);
    assert_eq!(fixture.call("GET", "/books", &token).await.status(), 200);
    assert_eq!(forward_auth(&fixture, "/hours").await, 200);
    let response = envoy.check(check("GET", "/hours", "api.test", &[])).await.unwrap().into_inner();
    assert_eq!(status(&response), 200);
    assert_eq!(get("/oauth/jwks", "*/*").await.status, 200);

    let all = take(2);
    let reply = fixture.call("GET", "/books", &token).await;
    assert!(reply.status() == 503 && reply.text.contains("retry-after: 1\r\n"), "{}", reply.text);
    assert_eq!(forward_auth(&fixture, "/hours").await, 503);
    let response = envoy.check(check("GET", "/hours", "api.test", &[])).await.unwrap().into_inner();
    assert_eq!(status(&response), 503);
    for path in ["/healthz", "/readyz"] {
        assert_eq!(get(path, "*/*").await.status, 200, "{path}: the process lives");
    }

    drop((half, all));
    assert_eq!(get("/", "text/html").await.status, 200);
    assert_eq!(fixture.call("GET", "/books", &token).await.status(), 200);
}

#[tokio::test]
async fn a_processor_that_has_no_time_turns_pages_away_before_decisions_and_recovers() {
    let fixture = Fixture::start("").await;
    let token = fixture.token(SHOP, "ada@acme.test").await;
    let page = async || fixture.server.send("GET", "/", &[("accept", "text/html")], "").await;
    assert_eq!((page().await.status, fixture.call("GET", "/books", &token).await.status()), (200, 200));

    // one thread runs this test and the server: whatever is ready waits behind this
    let busy = tokio::spawn(async {
        loop {
            std::thread::sleep(Duration::from_millis(400));
            tokio::task::yield_now().await;
        }
    });
    let load = &fixture.server.app.load;
    let turned_away = |kind: &str| load.refused().find(|(known, _)| *known == kind).unwrap().1;
    let mut refused = page().await;
    for _ in 0..100 {
        if refused.status == 503 {
            break;
        }
        refused = page().await;
    }
    assert_eq!((refused.status, refused.header("retry-after")), (503, "1"), "{}", refused.text);
    assert!(refused.text.contains("<html") && turned_away("page") > 0);
    assert_eq!(turned_away("decision"), 0, "pages first");
    let most = NonZeroUsize::MAX;
    for _ in 0..1_000 {
        if load.take(Kind::Decision, most).is_none() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(turned_away("decision") > 0, "the queue still stands");
    assert!((0..200).any(|_| load.take(Kind::Decision, most).is_some()), "some are made in any case");

    busy.abort();
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if page().await.status == 200 {
            break;
        }
    }
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!((page().await.status, fixture.call("GET", "/books", &token).await.status()), (200, 200));
}
