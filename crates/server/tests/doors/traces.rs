//! Traces of calls, as a receiver of OTLP gets them, and the trace context on its way through the gateway.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use countersign_server::app::Application;
use countersign_server::config::Config;
use countersign_server::telemetry::traces::Tracer;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message;
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use super::ext_authz;
use super::fixture::{Fixture, READER, SHOP};
use super::tls::pem;
use super::upstream::Upstream;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";
const TAKEN: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n";

fn traceparent(flags: &str) -> String {
    format!("traceparent: 00-{TRACE}-{CALLER}-{flags}")
}

/// Doors whose calls are traced, and who is told.
struct Traced {
    fixture: Fixture,
    receiver: Upstream,
}

impl Traced {
    async fn start(telemetry: &str) -> Self {
        Self::told(Upstream::answering(TAKEN).await, telemetry).await
    }

    async fn told(receiver: Upstream, telemetry: &str) -> Self {
        let entry = format!("[telemetry]\nendpoint = \"http://{}\"\n{telemetry}", receiver.address);
        Self { fixture: Fixture::start(&entry).await, receiver }
    }

    /// What came, once everything was sent.
    async fn spans(&self) -> Vec<Told> {
        self.fixture.server.app.tracer.as_ref().unwrap().outbox().sent().await;
        let mut spans = Vec::new();
        for request in self.receiver.take() {
            assert_eq!(request.line, "POST /v1/traces HTTP/1.1");
            assert_eq!(request.header("content-type"), Some("application/x-protobuf"));
            for resource in ExportTraceServiceRequest::decode(&*request.body).unwrap().resource_spans {
                let who = attributes(&resource.resource.unwrap().attributes);
                assert_eq!((who["service.name"].as_str(), who["service.version"].as_str()), ("front", "0.1.0"));
                spans.extend(resource.scope_spans.into_iter().flat_map(|scope| scope.spans).map(Told));
            }
        }
        spans
    }

    fn counted(&self) -> (u64, u64) {
        let counts = self.fixture.server.app.tracer.as_ref().unwrap().outbox().counts();
        (counts.sent.count(), counts.lost.count())
    }
}

/// A span that was told.
#[derive(Debug)]
struct Told(Span);

impl Told {
    fn ids(&self) -> (String, String, String) {
        (hex(&self.0.trace_id), hex(&self.0.span_id), hex(&self.0.parent_span_id))
    }

    fn attribute(&self, name: &str) -> String {
        attributes(&self.0.attributes).remove(name).unwrap_or_default()
    }

    fn is_error(&self) -> bool {
        self.0.status.as_ref().is_some_and(|status| status.code() == StatusCode::Error)
    }
}

fn attributes(pairs: &[KeyValue]) -> BTreeMap<String, String> {
    let value = |pair: &KeyValue| match pair.value.clone().unwrap().value.unwrap() {
        Value::StringValue(text) => text,
        Value::IntValue(number) => number.to_string(),
        other => panic!("{other:?}"),
    };
    pairs.iter().map(|pair| (pair.key.clone(), value(pair))).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

const FRONT: &str = "service_name = \"front\"\n";
const ALL: &str = "service_name = \"front\"\ntraces_one_in = 1\n";

#[tokio::test]
async fn a_callers_trace_goes_through_the_gateway_and_on_to_the_upstream() {
    let traced = Traced::start(FRONT).await;
    let token = traced.fixture.token(SHOP, "ada@acme.test").await;
    let sent = [&*traceparent("01"), "tracestate: a=1", "tracestate: b=2"];
    traced.fixture.call_with("GET", "/books/7?code=a-secret", &token, &sent).await;

    let spans = traced.spans().await;
    let [client, server] = &spans[..] else { panic!("{spans:?}") };
    let (trace, span, parent) = server.ids();
    assert_eq!((&*trace, &*parent, server.0.kind()), (TRACE, CALLER, SpanKind::Server));
    assert_eq!((&*server.0.name, &*server.0.trace_state), ("GET /books/{bookId}", "a=1,b=2"));
    assert_eq!(server.0.flags, 0x301, "sampled, and the parent is elsewhere");
    assert_eq!((client.ids().0, client.ids().2, client.0.kind()), (trace, span, SpanKind::Client));
    assert_eq!((&*client.0.name, client.0.flags), ("GET", 0x101));
    assert!(server.0.start_time_unix_nano <= client.0.start_time_unix_nano);
    assert!(client.0.end_time_unix_nano <= server.0.end_time_unix_nano);
    assert!(!server.is_error() && !client.is_error());

    let heard = traced.fixture.upstream.take_one();
    assert_eq!(heard.header("traceparent").unwrap(), format!("00-{TRACE}-{}-01", client.ids().1));
    assert_eq!(heard.header("tracestate"), Some("a=1,b=2"));

    let expected = [
        ("countersign.client", SHOP),
        ("countersign.contract", "books"),
        ("countersign.decision", "allow"),
        ("countersign.door", "gateway"),
        ("countersign.operation", "getBook"),
        ("countersign.organization", "acme"),
        ("http.request.method", "GET"),
        ("http.response.status_code", "200"),
        ("http.route", "/books/{bookId}"),
    ];
    let mut told = attributes(&server.0.attributes);
    assert_eq!(told.remove("countersign.context").unwrap().len(), 32);
    assert_eq!(told, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    assert_eq!(client.attribute("countersign.upstream"), "books");
    assert_eq!(client.attribute("server.port"), traced.fixture.upstream.address.port().to_string());
    let everything = format!("{spans:?}");
    assert!(![token.as_str(), "a-secret", "/books/7", "ada"].iter().any(|secret| everything.contains(secret)));
    assert_eq!(traced.counted(), (2, 0));
}

#[tokio::test]
async fn a_caller_that_does_not_record_is_followed_in_that_too() {
    let traced = Traced::start(ALL).await;
    let token = traced.fixture.token(SHOP, "ada@acme.test").await;
    traced.fixture.call_with("GET", "/books", &token, &[&traceparent("00")]).await;
    let heard = traced.fixture.upstream.take_one();
    let heard = heard.header("traceparent").unwrap();
    assert!(heard.starts_with(&format!("00-{TRACE}-")) && heard.ends_with("-00") && !heard.contains(CALLER), "{heard}");
    assert!(traced.spans().await.is_empty());
}

#[tokio::test]
async fn callers_need_not_be_followed() {
    let traced = Traced::start("service_name = \"front\"\ntraces_one_in = 0\n").await;
    let token = traced.fixture.token(SHOP, "ada@acme.test").await;
    traced.fixture.call_with("GET", "/books", &token, &[]).await;
    assert!(
        traced.fixture.upstream.take_one().header("traceparent").unwrap().ends_with("-00"),
        "who follows us does not"
    );
    assert!(traced.spans().await.is_empty());

    let stubborn = Traced::start(&format!("{ALL}follow_callers = false\n")).await;
    let token = stubborn.fixture.token(SHOP, "ada@acme.test").await;
    stubborn.fixture.call_with("GET", "/books", &token, &[&traceparent("00")]).await;
    let spans = stubborn.spans().await;
    assert_eq!((spans.len(), spans[1].ids().0.as_str(), spans[1].ids().2.as_str()), (2, TRACE, CALLER));
}

#[tokio::test]
async fn what_is_no_trace_context_is_as_if_it_had_not_been_sent() {
    let traced = Traced::start(ALL).await;
    let token = traced.fixture.token(SHOP, "ada@acme.test").await;
    let bad = ["traceparent: 00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", "tracestate: a=1"];
    let twice = [&*traceparent("01"), &*traceparent("01")];
    for headers in [&bad[..], &twice] {
        let reply = traced.fixture.call_with("GET", "/books", &token, headers).await;
        let name = reply.text.split("inin-correlation-id: ").nth(1).unwrap()[..32].to_owned();
        let heard = traced.fixture.upstream.take_one();
        assert!(heard.header("traceparent").unwrap().starts_with(&format!("00-{name}-")), "the trace has our name");
        assert_eq!(heard.header("tracestate"), None);
        let spans = traced.spans().await;
        assert_eq!(
            (spans[1].ids().0, spans[1].ids().2, spans[1].attribute("countersign.context")),
            (name.clone(), String::new(), name)
        );
    }
    // a `tracestate` that is wrong takes nothing else with it
    traced.fixture.call_with("GET", "/books", &token, &[&traceparent("01"), "tracestate: A=1"]).await;
    let heard = traced.fixture.upstream.take_one();
    assert!(heard.header("traceparent").unwrap().contains(TRACE) && heard.header("tracestate").is_none());
}

#[tokio::test]
async fn every_door_tells_what_was_decided_and_why() {
    let traced = Traced::start(ALL).await;
    let fixture = &traced.fixture;
    let token = fixture.token(READER, "bob@acme.test").await;
    let bearer = format!("Bearer {token}");
    fixture.call("POST", "/books", &token).await;
    fixture.call("WALK", "/books", &token).await;
    fixture.call("GET", "/../x", "").await;
    let said = [
        ("x-forwarded-method", "POST"),
        ("x-forwarded-uri", "/books"),
        ("x-forwarded-host", "api.test"),
        ("x-forwarded-proto", "https"),
        ("authorization", &bearer),
    ];
    fixture.server.send("GET", "/enforce/forward-auth", &said, "").await;
    let parent = format!("00-{TRACE}-{CALLER}-01");
    let headers = [("authorization", bearer.as_str()), ("traceparent", &parent)];
    let check = ext_authz::check("GET", "/books/7", "api.test", &headers);
    ext_authz::connect(fixture.doors.ext_authz).await.check(check).await.unwrap();
    fixture.server.api("GET", "/api/v2/users/me", "").await;
    fixture.upstream.stop();
    fixture.call("GET", "/hours", "").await;

    let spans = traced.spans().await;
    let told = |span: &Told| {
        ["countersign.door", "countersign.decision", "countersign.reason", "http.response.status_code"]
            .map(|name| span.attribute(name))
            .join(" ")
    };
    let lines: Vec<String> = spans.iter().map(|span| format!("{}: {}", span.0.name, told(span))).collect();
    assert_eq!(
        lines,
        [
            "POST /books: gateway deny missing_scope 403",
            "_OTHER: gateway deny method_not_allowed 405",
            "gateway: gateway   400",
            "POST /books: forward-auth deny missing_scope 403",
            "GET /books/{bookId}: ext-authz allow  200",
            "GET /api/v2/users/me: platform deny missing_credentials 401",
            "GET:    ",
            "GET /hours: gateway allow  502",
        ]
    );
    assert_eq!((spans[4].ids().0.as_str(), spans[4].ids().2.as_str()), (TRACE, CALLER));
    let errors: Vec<bool> = spans.iter().map(Told::is_error).collect();
    assert_eq!(errors, [false, false, false, false, false, false, true, true], "a refusal is no error of the server");
    assert_eq!((spans[6].attribute("error.type"), spans[7].attribute("error.type")), ("failed".into(), "502".into()));
}

#[tokio::test]
async fn what_a_receiver_does_not_take_is_lost_and_counted_and_nobody_waits_for_it() {
    let refusing = Upstream::answering("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n").await;
    let traced = Traced::told(refusing, ALL).await;
    assert_eq!(traced.fixture.call("GET", "/books", "").await.status(), 401);
    traced.fixture.server.app.tracer.as_ref().unwrap().outbox().sent().await;
    assert_eq!(traced.counted(), (0, 1));

    // partial_success { rejected_spans: 1 }
    let choosy = Upstream::answering("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\x0A\x02\x08\x01").await;
    let traced = Traced::told(choosy, ALL).await;
    traced.fixture.call("GET", "/books", "").await;
    traced.fixture.call("GET", "/hours", "").await;
    traced.fixture.server.app.tracer.as_ref().unwrap().outbox().sent().await;
    let (sent, lost) = traced.counted();
    assert_eq!(sent + lost, 3);
    assert!(lost >= 1);

    let nobody = Upstream::answering(TAKEN).await;
    nobody.stop();
    let traced = Traced::told(nobody, ALL).await;
    let began = Instant::now();
    for _ in 0..20 {
        assert_eq!(traced.fixture.server.get("/api/v2/users").await.status, 401);
    }
    assert!(began.elapsed() < Duration::from_secs(2), "calls do not wait for a receiver");
}

#[tokio::test]
async fn a_server_that_stops_sends_the_rest_first() {
    let (receiver, data) = (Upstream::answering(TAKEN).await, tempfile::tempdir().unwrap());
    let mut config =
        Config::from_toml(&format!("[telemetry]\nendpoint = \"http://{}\"\n{ALL}", receiver.address)).unwrap();
    config.server.listen = "127.0.0.1:0".parse().unwrap();
    config.server.data = data.path().to_owned();
    let application = Application::start(&config).await.unwrap();
    let address = application.address();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let running = tokio::spawn(application.run(async { drop(stopped.await) }));
    assert_eq!(reqwest::get(format!("http://{address}/api/v2/users")).await.unwrap().status(), 401);
    stop.send(()).unwrap();
    running.await.unwrap();
    assert_eq!(receiver.take().len(), 1);
}

/// A receiver behind TLS, known by a certificate of its own: what it gets of one request.
async fn receive_once(listener: TcpListener, CertifiedKey { cert, signing_key }: CertifiedKey<KeyPair>) -> String {
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = builder.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let mut stream = TlsAcceptor::from(Arc::new(config)).accept(stream).await.unwrap();
    let mut received = vec![0; 16_384];
    let count = stream.read(&mut received).await.unwrap();
    stream.write_all(TAKEN.as_bytes()).await.unwrap();
    String::from_utf8_lossy(&received[..count]).into_owned()
}

#[tokio::test]
async fn a_receiver_behind_tls_is_trusted_by_the_file_that_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (ca, listener) = (folder.path().join("ca.pem"), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let certified = generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(&ca, pem("CERTIFICATE", certified.cert.der())).unwrap();
    let endpoint = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let received = tokio::spawn(receive_once(listener, certified));
    let telemetry = format!("[telemetry]\nendpoint = \"{endpoint}\"\nca = {ca:?}\n{ALL}");
    let fixture = Fixture::start(&telemetry).await;
    fixture.call("GET", "/books", "").await;
    let outbox = fixture.server.app.tracer.as_ref().unwrap().outbox();
    outbox.sent().await;
    assert!(received.await.unwrap().starts_with("POST /v1/traces HTTP/1.1\r\n"));
    assert_eq!((outbox.counts().sent.count(), outbox.counts().lost.count()), (1, 0));

    std::fs::remove_file(&ca).unwrap();
    let config = Config::from_toml(&telemetry).unwrap();
    let error = Tracer::open(&config.telemetry).err().unwrap().to_string();
    assert!(error.contains("ca.pem"), "{error}");
}

#[tokio::test]
async fn without_a_receiver_trace_headers_go_on_as_they_came() {
    let fixture = Fixture::start("").await;
    assert!(fixture.server.app.tracer.is_none());
    let token = fixture.token(SHOP, "ada@acme.test").await;
    fixture.call_with("GET", "/books", &token, &[&traceparent("01"), "tracestate: a=1"]).await;
    let heard = fixture.upstream.take_one();
    assert_eq!(heard.header("traceparent").unwrap(), format!("00-{TRACE}-{CALLER}-01"));
    assert_eq!(heard.header("tracestate"), Some("a=1"));
}
