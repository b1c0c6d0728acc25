//! The token endpoint itself (RFC 6749 §3.2, §5): methods, forms, client authentication, answers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::support::{Answer, Server, encode};
use crate::world::{SERVICE_SECRET, WEB_SECRET, WORLD};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const CLIENT_CREDENTIALS: [(&str, &str); 1] = [("grant_type", "client_credentials")];

async fn post(server: &Server, headers: &[(&str, &str)], body: &str) -> Answer {
    server.send("POST", "/oauth/token", headers, body.to_owned()).await
}

fn basic(credentials: &str) -> String {
    format!("Basic {}", STANDARD.encode(credentials))
}

#[tokio::test]
async fn c01_only_post_is_answered() {
    let server = Server::start(WORLD).await;
    for method in ["GET", "HEAD", "PUT", "DELETE", "PATCH"] {
        let answer = server.send(method, "/oauth/token", &[FORM], "grant_type=client_credentials").await;
        assert_eq!((answer.status, answer.header("allow")), (405, "POST"), "{method}");
    }
}

#[tokio::test]
async fn c02_only_a_form_in_utf_8_is_read() {
    let server = Server::start(WORLD).await;
    let authorization = basic(SERVICE_SECRET);
    let authorization = ("authorization", authorization.as_str());
    for media_type in [
        "application/json",
        "multipart/form-data; boundary=x",
        "text/plain",
        "application/x-www-form-urlencoded; charset=utf-16",
        "application/x-www-form-urlencoded; charset=iso-8859-1",
    ] {
        let headers = [("content-type", media_type), authorization];
        let answer = post(&server, &headers, "grant_type=client_credentials").await;
        assert_eq!(answer.refusal(), (415, "invalid_request"), "{media_type}");
    }
    assert_eq!(
        post(&server, &[authorization], "grant_type=client_credentials").await.refusal(),
        (415, "invalid_request")
    );
    for media_type in
        ["application/x-www-form-urlencoded;charset=UTF-8", "application/x-www-form-urlencoded; charset=\"utf-8\""]
    {
        let with_charset = [("content-type", media_type), authorization];
        assert_eq!(post(&server, &with_charset, "grant_type=client_credentials").await.status, 200, "{media_type}");
    }
    let coded = [FORM, authorization, ("content-encoding", "gzip")];
    assert_eq!(
        post(&server, &coded, "grant_type=client_credentials").await.refusal(),
        (415, "invalid_request"),
        "nothing is decoded"
    );
}

#[tokio::test]
async fn c03_a_doubled_parameter_is_refused_and_named() {
    let server = Server::start(WORLD).await;
    for name in ["grant_type", "code", "client_id", "refresh_token", "scope"] {
        let body = format!("grant_type=client_credentials&{name}=a&{name}=a");
        let answer = post(&server, &[FORM, ("authorization", &basic(SERVICE_SECRET))], &body).await;
        assert_eq!(answer.refusal(), (400, "invalid_request"), "{name}");
        assert!(answer.text.contains(&format!("`{name}` occurs more than once")), "{}", answer.text);
    }
}

#[tokio::test]
async fn c04_parameters_in_the_query_are_refused() {
    let server = Server::start(WORLD).await;
    let headers = [FORM, ("authorization", &*basic(SERVICE_SECRET))];
    for query in ["grant_type=client_credentials", "client_secret=service-secret", "x=1"] {
        let target = format!("/oauth/token?{query}");
        let answer = server.send("POST", &target, &headers, "grant_type=client_credentials").await;
        assert_eq!(answer.refusal(), (400, "invalid_request"), "{query}");
    }
}

#[tokio::test]
async fn c05_c06_missing_unknown_and_unregistered_grant_types_are_told_apart() {
    let server = Server::start(WORLD).await;
    for (grant_type, error) in [
        ("", "invalid_request"),
        ("magic", "unsupported_grant_type"),
        ("password", "unsupported_grant_type"),
        ("urn:ietf:params:oauth:grant-type:saml2-bearer", "unsupported_grant_type"),
    ] {
        let answer = server.token(SERVICE_SECRET, &[("grant_type", grant_type), ("username", "ada")]).await;
        assert_eq!(answer.refusal(), (400, error), "{grant_type}");
    }
    let form = [("grant_type", "client_credentials")];
    assert_eq!(server.token(WEB_SECRET, &form).await.refusal(), (400, "unauthorized_client"));
    // also where code or token are none: whether they are would not help an app that cannot use them
    for form in [
        [("grant_type", "authorization_code"), ("code", "x")],
        [("grant_type", "refresh_token"), ("refresh_token", "cs_rt_x")],
    ] {
        assert_eq!(server.token(SERVICE_SECRET, &form).await.refusal(), (400, "unauthorized_client"), "{form:?}");
    }
}

#[tokio::test]
async fn c07_c08_a_success_is_json_that_nobody_caches() {
    let server = Server::start(WORLD).await;
    let answer = server.token(SERVICE_SECRET, &CLIENT_CREDENTIALS).await;
    assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"));
    assert!(answer.header("content-type").starts_with("application/json"));
    let body = answer.ok();
    assert!(body["access_token"].as_str().unwrap().starts_with("cs_at_"));
    let rest = (&body["token_type"], &body["expires_in"], &body["scope"], body.get("refresh_token"));
    assert_eq!(rest, (&"bearer".into(), &3_600.into(), &"users".into(), None));
}

#[tokio::test]
async fn c18_basic_credentials_are_read_percent_decoded_and_raw() {
    let awkward = "a:b%c+d é";
    let world = WORLD.replace("secret: service-secret", &format!("secret: \"{awkward}\""));
    let server = Server::start(&world).await;
    for sent in [awkward, "a%3Ab%25c%2Bd+%C3%A9"] {
        server.token(&format!("service:{sent}"), &CLIENT_CREDENTIALS).await.ok();
    }
    let form = [("grant_type", "client_credentials"), ("client_id", "service"), ("client_secret", awkward)];
    server.token("", &form).await.ok();
}

#[tokio::test]
async fn c19_two_ways_of_authentication_in_one_request_are_refused() {
    let server = Server::start(WORLD).await;
    for (name, value) in [("client_secret", "service-secret"), ("client_id", "web-app"), ("client_assertion", "x")] {
        let form = [("grant_type", "client_credentials"), (name, value)];
        assert_eq!(server.token(SERVICE_SECRET, &form).await.refusal(), (400, "invalid_request"), "{name}");
    }
    let headers = [FORM, ("authorization", &*basic(SERVICE_SECRET)), ("authorization", &*basic(SERVICE_SECRET))];
    assert_eq!(post(&server, &headers, "grant_type=client_credentials").await.refusal(), (400, "invalid_request"));
}

#[tokio::test]
async fn c20_a_failed_basic_authentication_gets_401_with_the_scheme() {
    let server = Server::start(WORLD).await;
    let challenge = format!("Basic realm=\"{}\", charset=\"UTF-8\"", server.app.origin);
    for credentials in ["service:wrong", "nobody:wrong", "service:"] {
        let answer = server.token(credentials, &CLIENT_CREDENTIALS).await;
        assert_eq!(answer.refusal(), (401, "invalid_client"), "{credentials}");
        assert_eq!(answer.header("www-authenticate"), challenge);
    }
    let headers = [FORM, ("authorization", "Bearer x")];
    let answer = post(&server, &headers, "grant_type=client_credentials").await;
    assert_eq!((answer.refusal(), answer.header("www-authenticate")), ((401, "invalid_client"), challenge.as_str()));
}

#[tokio::test]
async fn c21_a_secret_is_needed_where_there_is_one_and_refused_where_there_is_none() {
    let server = Server::start(WORLD).await;
    for (client, secret) in
        [("service", ""), ("native-app", "x"), ("service", "wrong"), ("nobody", "x"), ("nobody", "")]
    {
        let form = [("grant_type", "client_credentials"), ("client_id", client), ("client_secret", secret)];
        let answer = server.token("", &form).await;
        assert_eq!(answer.refusal(), (401, "invalid_client"), "{client} {secret}");
        assert_eq!(answer.body["error_description"], "authentication failed");
    }
    assert_eq!(server.token("", &CLIENT_CREDENTIALS).await.refusal(), (400, "invalid_request"));
}

#[tokio::test]
async fn c21_a_disabled_client_is_refused_like_an_unknown_one() {
    let server = Server::start(WORLD).await;
    let change = countersign_store::client::ClientChange {
        state: Some(countersign_domain::client::ClientState::Disabled),
        ..Default::default()
    };
    let service = countersign_domain::id::ClientId::parse("service").unwrap();
    server.org("acme").update_client(&service, &change).await.unwrap();
    assert_eq!(server.token(SERVICE_SECRET, &CLIENT_CREDENTIALS).await.refusal(), (401, "invalid_client"));
}

#[tokio::test]
async fn c27_guesses_at_a_secret_are_bounded_for_their_client_only() {
    let server = Server::start(WORLD).await;
    for _ in 0..10 {
        assert_eq!(server.token("service:wrong", &CLIENT_CREDENTIALS).await.status, 401);
    }
    let refused = server.token(SERVICE_SECRET, &CLIENT_CREDENTIALS).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.header("retry-after"), "60");
    server.token("loner:loner-secret", &CLIENT_CREDENTIALS).await.ok();
    server.advance(60);
    server.token(SERVICE_SECRET, &CLIENT_CREDENTIALS).await.ok();
}

#[tokio::test]
async fn c27_successes_are_not_counted() {
    let server = Server::start(WORLD).await;
    for _ in 0..12 {
        server.token(SERVICE_SECRET, &CLIENT_CREDENTIALS).await.ok();
    }
}

#[tokio::test]
async fn c27_generated_secrets_are_beyond_guessing_and_never_put_off() {
    let server = Server::start(WORLD).await;
    let (_, generated) = WEB_SECRET.split_once(':').unwrap();
    for _ in 0..12 {
        let refused = server.token(&format!("service:{generated}"), &CLIENT_CREDENTIALS).await;
        assert_eq!(refused.refusal(), (401, "invalid_client"));
    }
    server.token(SERVICE_SECRET, &CLIENT_CREDENTIALS).await.ok();
}

#[tokio::test]
async fn c64_absurd_forms_are_refused() {
    let server = Server::start(WORLD).await;
    let long = format!("grant_type=client_credentials&x={}", "a".repeat(70_000));
    assert_eq!(post(&server, &[FORM], &long).await.refusal(), (413, "invalid_request"));
    let many = format!("grant_type=client_credentials{}", "&a=b".repeat(100));
    assert_eq!(post(&server, &[FORM], &many).await.refusal(), (400, "invalid_request"));
}

#[tokio::test]
async fn c65_what_a_caller_sent_does_not_come_back_in_a_refusal() {
    let server = Server::start(WORLD).await;
    let secret = "a-secret-that-must-not-come-back";
    for form in [
        vec![("grant_type", "authorization_code"), ("code", secret), ("client_id", "spa")],
        vec![("grant_type", "refresh_token"), ("refresh_token", secret), ("client_id", "spa")],
        vec![("grant_type", secret), ("client_id", "spa")],
        vec![("grant_type", "client_credentials"), ("client_id", "service"), ("client_secret", secret)],
    ] {
        let answer = server.token("", &form).await;
        assert!(answer.status >= 400 && !answer.text.contains(secret), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_doubled_slash_is_answered_with_what_to_change() {
    let server = Server::start(WORLD).await;
    let headers = [FORM, ("authorization", &*basic(SERVICE_SECRET))];
    let answer = server.send("POST", "//oauth/token", &headers, encode(&CLIENT_CREDENTIALS)).await;
    assert_eq!(answer.refusal(), (400, "invalid_request"));
    assert!(answer.text.contains("remove the final slash from the host"), "{}", answer.text);
}

#[tokio::test]
async fn the_alias_is_the_same_endpoint() {
    let server = Server::start(WORLD).await;
    let headers = [FORM, ("authorization", &*basic(SERVICE_SECRET))];
    server.send("POST", "/token", &headers, encode(&CLIENT_CREDENTIALS)).await.ok();
}

#[tokio::test]
async fn e27_apps_in_browsers_may_call_it_without_cookies() {
    let server = Server::start(WORLD).await;
    let preflight = [
        ("origin", "https://spa.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "content-type"),
    ];
    let answer = server.send("OPTIONS", "/oauth/token", &preflight, "").await;
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, "*"));
    assert_eq!(answer.header("access-control-allow-credentials"), "");
}
