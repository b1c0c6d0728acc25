//! Rich authorization requests (RFC 9396): no type is known here, and none is passed over.

use crate::support::{Browser, CHALLENGE, Server, encode};
use crate::world::{CODE_ONLY_SECRET, WEB, WEB_SECRET, WEB_URI, WORLD};

const UNKNOWN: &str = r#"[{"type":"payment_initiation","actions":["initiate"]}]"#;

#[tokio::test]
async fn a51_details_of_unknown_type_or_wrong_shape_are_refused_at_every_endpoint_that_takes_them() {
    let server = Server::start(WORLD).await;
    for details in [UNKNOWN, "{}", "[{}]", "[{\"type\":5}]", "nonsense", "[]", &"[".repeat(4_000)] {
        let more = [("scope", "users"), ("authorization_details", details)];
        let page = Browser::new(&server).authorize(WEB, WEB_URI, &more).await;
        assert_eq!(page.error(), "invalid_authorization_details", "{details}");
        let request = [
            ("redirect_uri", WEB_URI),
            ("response_type", "code"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
            ("authorization_details", details),
        ];
        let pushed = server.call_as_client("/oauth/par", WEB_SECRET, &request).await;
        assert_eq!(pushed.refusal(), (400, "invalid_authorization_details"), "{details}");
    }
    let twice = format!("&{}", encode(&[("authorization_details", "[]"), ("authorization_details", "[]")]));
    let address = crate::support::browser::authorize_address(WEB, WEB_URI, &[]);
    assert_eq!(Browser::new(&server).get(&(address + &twice)).await.error(), "invalid_request");
}

#[tokio::test]
async fn c54_details_at_the_token_endpoint_are_more_than_was_granted() {
    let server = Server::start(WORLD).await;
    for form in [
        &[("grant_type", "authorization_code"), ("code", "x")][..],
        &[("grant_type", "refresh_token"), ("refresh_token", "x")],
        &[("grant_type", "client_credentials")],
    ] {
        let form = [form, &[("authorization_details", UNKNOWN)]].concat();
        let refused = server.token(CODE_ONLY_SECRET, &form).await;
        assert_eq!(refused.refusal(), (400, "invalid_authorization_details"), "{form:?}");
    }
}
