//! Basic: one decision (checklist G01 to G06).

use serde_json::{Value, json};

use super::fixture::{DESK, Fixture, PEP, READER, UNASKED, operation, question, token, user};

#[tokio::test]
async fn g06_decisions_are_those_of_the_engine_and_the_same_each_time() {
    let fixture = Fixture::start().await;
    let route = |id: &str| json!({ "type": "route", "id": id });
    let inside = |id: &str| json!({ "type": "route", "id": id, "properties": { "upstream": "records" } });
    let client = |id: &str| json!({ "type": "client", "id": id });
    let (call, nobody) = ("call", json!({ "type": "user", "id": "alice@acme.test" }));
    let (alice, bob) = (user("alice@acme.test", DESK), user("BOB@acme.test", DESK));
    for (subject, action, resource, reason) in [
        (&alice, call, operation("readRecord"), None),
        (&alice, call, operation("writeRecord"), None),
        (&bob, call, operation("readRecord"), None),
        (&bob, call, operation("writeRecord"), Some("missing_permission")),
        (&alice, "GET", route("/v1/records/record-1"), None),
        (&alice, "GET", route("/v1/%72ecords/record-1?x=1"), None),
        (&alice, "GET", inside("/records/record-1"), None),
        (&alice, "PATCH", inside("/records/record-1"), Some("method_not_allowed")),
        (&alice, "GET", route("/v1/../records"), Some("bad_request_target")),
        (&alice, "GET", route("/elsewhere"), Some("no_such_operation")),
        (&alice, "read", operation("readRecord"), Some("method_not_allowed")),
        (&alice, call, operation("unknown"), Some("no_such_operation")),
        (&alice, "read", json!({ "type": "spaceship", "id": "1" }), Some("no_such_operation")),
        (&user("alice@acme.test", READER), call, operation("writeRecord"), Some("missing_scope")),
        (&user("alice@acme.test", PEP), call, operation("readRecord"), Some("missing_scope")),
        (&user("alice@acme.test", "nobody"), call, operation("readRecord"), Some("unknown_client")),
        (&nobody, call, operation("readRecord"), Some("unknown_client")),
        (&nobody, call, operation("getHours"), None),
        (&user("carl@acme.test", DESK), call, operation("readRecord"), Some("inactive")),
        (&user("mallory@globex.test", DESK), call, operation("readRecord"), Some("unknown_user")),
        (&json!({ "type": "robot", "id": "x" }), call, operation("readRecord"), Some("unknown_user")),
        (&client(DESK), call, operation("writeRecord"), None),
        (&client(READER), call, operation("writeRecord"), Some("missing_scope")),
    ] {
        let question = json!({ "subject": subject, "action": { "name": action }, "resource": resource });
        let first = fixture.ask("evaluation", &question).await.ok();
        assert_eq!(first["decision"], reason.is_none(), "{question}: {first}");
        assert_eq!(first["context"]["reason"].as_str(), reason, "{question}: {first}");
        assert_eq!(fixture.ask("evaluation", &question).await.ok(), first);
    }
    let denied = fixture.ask("evaluation", &question("bob@acme.test", "writeRecord")).await.ok();
    let missing = json!({ "permissions": { "mode": "ALL", "of": ["records:record:edit", "records:record:add"] } });
    let context = json!({ "operation": "writeRecord", "reason": "missing_permission", "missing": missing });
    assert_eq!(denied, json!({ "decision": false, "context": context }));

    let mut narrow = question("alice@acme.test", "writeRecord");
    narrow["context"] = json!({ "scopes": ["records:readonly"] });
    assert!(!fixture.decision(&narrow).await, "the token's own scopes are a ceiling");
}

#[tokio::test]
async fn g01_only_posts_with_json_are_answered() {
    let fixture = Fixture::start().await;
    let body = question("alice@acme.test", "readRecord").to_string();
    for method in ["GET", "PUT", "DELETE"] {
        let answer = fixture.send(method, "evaluation", &[("content-type", "application/json")], &body).await;
        assert_eq!((answer.status, answer.header("allow")), (405, "POST"), "{method}");
    }
    for (kind, status) in [
        ("text/plain", 400),
        ("application/x-www-form-urlencoded", 400),
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
    ] {
        assert_eq!(fixture.send("POST", "evaluation", &[("content-type", kind)], &body).await.status, status, "{kind}");
    }
    assert_eq!(fixture.send("POST", "nothing", &[], "{}").await.status, 404);
}

#[tokio::test]
async fn g02_what_does_not_fit_is_refused_with_its_place() {
    let fixture = Fixture::start().await;
    let without = |pointer: &str| {
        let mut body = question("alice@acme.test", "readRecord");
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name).unwrap();
        body
    };
    let with = |pointer: &str, value: Value| {
        let mut body = question("alice@acme.test", "readRecord");
        body["context"] = json!({});
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[name] = value;
        body
    };
    for (body, place) in [
        (without("/subject"), "subject"),
        (without("/action"), "action"),
        (without("/resource"), "resource"),
        (without("/subject/type"), "subject.type"),
        (without("/subject/id"), "subject.id"),
        (without("/action/name"), "action.name"),
        (without("/resource/type"), "resource.type"),
        (without("/resource/id"), "resource.id"),
        (without("/resource/properties"), "resource.properties.upstream"),
        (with("/subject", json!("alice")), "subject"),
        (with("/subject", json!(["user", "alice"])), "subject"),
        (with("/subject/properties", json!(null)), "properties"),
        (with("/action/name", json!(123)), "action.name"),
        (with("/context", json!([])), "context"),
        (with("/context/scopes", json!("records")), "context.scopes"),
        (with("/context/client_id", json!(READER)), "context.client_id"),
        (json!([question("alice@acme.test", "readRecord")]), "body"),
        (json!("x"), "body"),
    ] {
        let answer = fixture.ask("evaluation", &body).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text);
        let message = answer.body["message"].as_str().unwrap();
        assert!(message.contains(&format!("{place}: ")), "{body}: {message}");
    }
    let subject = "\"subject\": {\"type\": \"user\", \"id\": \"alice@acme.test\"";
    let twice = [
        format!("{{{subject}}}, {subject}}}}}"),
        format!("{{{subject}, \"id\": \"bob@acme.test\"}}}}"),
        format!("{{\"evaluations\": [{{{subject}, \"\\u0069d\": \"bob@acme.test\"}}}}]}}"),
    ];
    for path in ["evaluation", "evaluations", "search/resource"] {
        for body in &twice {
            let answer = fixture.send("POST", path, &[("content-type", "application/json")], body).await;
            assert!(answer.status == 400 && answer.text.contains("is given twice"), "{path} {body}: {}", answer.text);
        }
    }
    let deep = "[".repeat(10_000);
    for body in ["", "{", "{}}", "{\"subject\":", &deep, "\u{feff}{}", "{\"subject\": NaN}"] {
        let answer = fixture.send("POST", "evaluation", &[("content-type", "application/json")], body).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text);
    }
}

#[tokio::test]
async fn g03_unknown_members_change_nothing_at_any_level() {
    let fixture = Fixture::start().await;
    let mut body = question("alice@acme.test", "readRecord");
    body["context"] = json!({ "time": "2026-01-11T00:00:00Z", "ip": "192.0.2.1" });
    body["resource"]["properties"]["status"] = json!("archived");
    body["subject"]["properties"]["role"] = json!("admin");
    for pointer in ["", "/subject", "/action", "/resource", "/context"] {
        body.pointer_mut(pointer).unwrap()["future"] = json!({ "nested": [true] });
    }
    assert!(fixture.decision(&body).await);
}

#[tokio::test]
async fn g04_a_request_is_answered_under_its_own_name() {
    let fixture = Fixture::start().await;
    let body = question("alice@acme.test", "readRecord").to_string();
    let headers = [("content-type", "application/json"), ("x-request-id", "bfe9eb29 any text")];
    for (path, body) in [("evaluation", body.as_str()), ("evaluations", "{"), ("nothing", "")] {
        assert_eq!(fixture.send("POST", path, &headers, body).await.header("x-request-id"), "bfe9eb29 any text");
    }
    assert_eq!(fixture.send("POST", "evaluation", &headers[..1], &body).await.header("x-request-id"), "");
}

#[tokio::test]
async fn g05_who_may_not_ask_learns_nothing() {
    let fixture = Fixture::start().await;
    let body = question("alice@acme.test", "readRecord").to_string();
    for path in ["evaluation", "evaluations", "search/subject", "search/resource", "search/action"] {
        let target = format!("/access/v1/{path}");
        for authorization in ["", "Bearer cs_at_AAAA", "Basic YTpi"] {
            let headers = [("content-type", "application/json"), ("authorization", authorization)];
            let headers = if authorization.is_empty() { &headers[..1] } else { &headers[..] };
            let answer = fixture.server.send("POST", &target, headers, body.clone()).await;
            assert_eq!(answer.status, 401, "{path} {authorization}");
            assert!(answer.header("www-authenticate").starts_with("Bearer realm="), "{path} {authorization}");
        }
        let bearer = format!("Bearer {}", token(&fixture.server, UNASKED).await);
        let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
        let answer = fixture.server.send("POST", &target, &headers, body.clone()).await;
        assert_eq!(answer.status, 403, "{path}");
        assert_eq!(answer.body["missing"]["permissions"]["of"], json!(["authorization:decision:view"]));
    }
}
