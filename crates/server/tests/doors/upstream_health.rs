//! Upstreams that die, hang, hang up or are several: what is sent again, what never is, and who is left alone.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinHandle;

use super::fixture::{Fixture, SHOP};
use super::raw::{self, Reply};
use super::upstream::Upstream;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const UNHEALTHY: &str = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";

/// What an upstream does with a request.
#[derive(Debug, Clone, Copy)]
enum Does {
    Answer(&'static str),
    /// Closes the connection without a word.
    HangUp,
    /// Says nothing.
    Nothing,
}

/// An upstream that does what it is told, request by request, and the last thing for ever. Requests have no body, or one of
/// two bytes.
struct Puppet {
    address: SocketAddr,
    /// The request lines that came.
    came: Arc<Mutex<Vec<String>>>,
    orders: Arc<Mutex<Vec<Does>>>,
    accepting: JoinHandle<()>,
}

impl Puppet {
    async fn start(orders: &[Does]) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), orders).await
    }

    async fn start_at(address: SocketAddr, orders: &[Does]) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(address).unwrap();
        let listener = socket.listen(128).unwrap();
        let address = listener.local_addr().unwrap();
        let came = Arc::new(Mutex::new(Vec::new()));
        let orders = Arc::new(Mutex::new(orders.to_vec()));
        let accepting = tokio::spawn(accept(listener, Arc::clone(&came), Arc::clone(&orders)));
        Self { address, came, orders, accepting }
    }

    fn order(&self, does: Does) {
        *self.orders.lock().unwrap() = vec![does];
    }

    fn came(&self) -> Vec<String> {
        std::mem::take(&mut self.came.lock().unwrap())
    }
}

impl Drop for Puppet {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, came: Arc<Mutex<Vec<String>>>, orders: Arc<Mutex<Vec<Does>>>) {
    let mut conversations = tokio::task::JoinSet::new();
    while let Ok((mut stream, _)) = listener.accept().await {
        let (came, orders) = (Arc::clone(&came), Arc::clone(&orders));
        conversations.spawn(async move {
            while let Some(line) = request(&mut stream).await {
                came.lock().unwrap().push(line);
                let does = {
                    let mut orders = orders.lock().unwrap();
                    if orders.len() > 1 { orders.remove(0) } else { orders[0] }
                };
                match does {
                    Does::Answer(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
                    Does::HangUp => return,
                    Does::Nothing => std::future::pending().await,
                }
            }
        });
    }
}

/// Reads one request; its first line.
async fn request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let has_body = head.contains("content-length: 2");
            if !has_body || body.len() == 2 {
                return head.lines().next().map(str::to_owned);
            }
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
}

/// An address that nobody listens on, nor can while it is held.
struct Nowhere(TcpSocket);

impl Nowhere {
    fn held() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self(socket)
    }

    fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }
}

async fn before(puppet: &Puppet, entry: &str) -> (Fixture, String) {
    let mut stand_in = Upstream::start().await;
    stand_in.address = puppet.address;
    let fixture = Fixture::before(stand_in, entry).await;
    let token = fixture.token(SHOP, "ada@acme.test").await;
    (fixture, token)
}

async fn post(fixture: &Fixture, token: &str) -> Reply {
    let request = format!(
        "POST /books HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer {token}\r\nContent-Length: 2\r\n\r\nhi"
    );
    raw::send(fixture.doors.gateway, request.as_bytes()).await
}

fn code(reply: &Reply) -> Value {
    let (_, body) = reply.text.split_once("\r\n\r\n").unwrap();
    serde_json::from_str::<Value>(body).unwrap()["code"].clone()
}

/// Asks until an answer is as wanted: what happens behind calls takes its time.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    for _ in 0..400 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("not within ten seconds: {what}");
}

#[tokio::test]
async fn calls_take_turns_between_addresses_and_go_to_another_where_one_is_dead() {
    let (one, other) = (Puppet::start(&[Does::Answer(OK)]).await, Puppet::start(&[Does::Answer(OK)]).await);
    let nowhere = Nowhere::held();
    let urls = format!("urls = [\"http://{}\", \"http://{}\"]", nowhere.address(), other.address);
    let (fixture, token) = before(&one, &urls).await;
    for _ in 0..6 {
        assert_eq!(fixture.call("GET", "/books", &token).await.status(), 200);
        assert_eq!(post(&fixture, &token).await.status(), 200, "its body comes along");
    }
    let (one, other) = (one.came().len(), other.came().len());
    assert!(one + other == 12 && one > 2 && other > 2, "{one}, {other}");
}

#[tokio::test]
async fn a_get_whose_connection_breaks_is_sent_again_and_a_post_never() {
    let upstream = Puppet::start(&[Does::HangUp, Does::Answer(OK)]).await;
    let (fixture, token) = before(&upstream, "").await;
    assert_eq!(fixture.call("GET", "/books", &token).await.status(), 200);
    assert_eq!(upstream.came(), ["GET /books HTTP/1.1"; 2]);

    upstream.order(Does::HangUp);
    let reply = post(&fixture, &token).await;
    assert_eq!((reply.status(), code(&reply)), (502, json!("bad.gateway")));
    assert_eq!(upstream.came(), ["POST /books HTTP/1.1"], "it may have been acted on");
    let request =
        format!("POST /books HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer {token}\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(raw::send(fixture.doors.gateway, request.as_bytes()).await.status(), 502);
    assert_eq!(upstream.came().len(), 1, "without a body it is no more idempotent");

    let reply = fixture.call("GET", "/books", &token).await;
    assert_eq!((reply.status(), upstream.came().len()), (502, 2), "again once, not for ever");
}

#[tokio::test]
async fn a_connection_that_an_upstream_left_serves_no_second_call() {
    let upstream = Puppet::start(&[Does::Answer(OK), Does::HangUp, Does::Answer(OK)]).await;
    let (fixture, token) = before(&upstream, "").await;
    assert_eq!(fixture.call("GET", "/books", &token).await.status(), 200);
    // the second request finds the connection of the first, whose upstream leaves just then
    assert_eq!(fixture.call("GET", "/books", &token).await.status(), 200);
    assert_eq!(upstream.came().len(), 3);

    let closing = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    upstream.order(Does::Answer(closing));
    for _ in 0..5 {
        assert_eq!(post(&fixture, &token).await.status(), 200);
    }
    assert_eq!(upstream.came().len(), 5);
}

#[tokio::test]
async fn an_upstream_that_is_dead_is_left_alone_and_found_again() {
    let upstream = Puppet::start(&[Does::Answer(OK)]).await;
    let (fixture, token) = before(&upstream, "").await;
    assert_eq!(post(&fixture, &token).await.status(), 200);
    let address = upstream.address;
    drop(upstream);
    until("503", async || fixture.call("GET", "/books", &token).await.status() == 503).await;
    let reply = post(&fixture, &token).await;
    assert_eq!((reply.status(), code(&reply)), (503, json!("service.unavailable")));
    assert!(reply.text.contains("retry-after: 2\r\n") && reply.text.contains("has not answered"), "{}", reply.text);
    assert_eq!(fixture.call("GET", "/books", "").await.status(), 401, "decided all the same");

    let upstream = Puppet::start_at(address, &[Does::Answer(OK)]).await;
    until("200", async || post(&fixture, &token).await.status() == 200).await;
    assert!(!upstream.came().is_empty());
}

#[tokio::test]
async fn an_upstream_that_hangs_is_left_alone_and_a_client_that_hangs_is_not_held_against_it() {
    let upstream = Puppet::start(&[Does::Answer(OK)]).await;
    let (fixture, token) = before(&upstream, "timeout_seconds = 1").await;
    let call = |method: &str, rest: &str| {
        let head = format!("{method} /books HTTP/1.1\r\nHost: api.test\r\nAuthorization: Bearer {token}\r\n{rest}\r\n");
        let gateway = fixture.doors.gateway;
        async move { raw::send_and_wait(gateway, head.as_bytes(), Duration::from_millis(200)).await.status() }
    };
    for _ in 0..4 {
        // half a body
        assert_eq!(call("POST", "Content-Length: 2\r\n").await, 504);
    }
    assert_eq!(call("GET", "").await, 200);
    upstream.order(Does::Nothing);
    for _ in 0..3 {
        assert_eq!(call("GET", "").await, 504);
    }
    assert_eq!(call("GET", "").await, 503);
    upstream.order(Does::Answer(OK));
    until("200", async || call("GET", "").await == 200).await;
}

#[tokio::test]
async fn nothing_is_sent_to_an_address_that_says_it_is_not_healthy() {
    let (one, other) = (Puppet::start(&[Does::Answer(UNHEALTHY)]).await, Puppet::start(&[Does::Answer(OK)]).await);
    let entry =
        format!("urls = [\"http://{}\"]\nhealth_path = \"/healthz\"\nhealth_interval_seconds = 1\n", other.address);
    let (fixture, token) = before(&one, &entry).await;
    let checks = |puppet: &Puppet| puppet.came().iter().filter(|line| line.starts_with("GET /healthz ")).count();
    let mut asked = 0;
    until("two checks", async || {
        asked += checks(&one);
        asked >= 2
    })
    .await;
    until("the answer to the second", async || {
        let answers = [
            fixture.call("GET", "/books", &token).await.status(),
            fixture.call("GET", "/books", &token).await.status(),
        ];
        answers == [200, 200]
    })
    .await;
    one.came();
    for _ in 0..6 {
        assert_eq!(fixture.call("GET", "/books", &token).await.status(), 200);
    }
    assert!(one.came().iter().all(|line| line.starts_with("GET /healthz ")));

    one.order(Does::Answer(OK));
    until("calls at the first again", async || {
        fixture.call("GET", "/books", &token).await;
        one.came().iter().any(|line| line.starts_with("GET /books "))
    })
    .await;
}
