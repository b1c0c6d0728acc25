//! What counts as a proof of a client, and what does not.

use super::*;
use crate::client::ClientMetadata;
use crate::entropy::SeededEntropy;
use crate::oauth::samples::{ISSUED, Key, client, public_client};
use serde_json::json;

fn basic(id_and_secret: &str) -> Vec<u8> {
    format!("Basic {}", STANDARD.encode(id_and_secret)).into_bytes()
}

fn of_header(header: &[u8]) -> Result<PresentedClient, TokenError> {
    PresentedClient::read(Some(header), &Parameters::default())
}

const HERE: Surroundings<'_> = Surroundings { issuer: "https://as.example", certificate: None, now: ISSUED };

fn registered(method: AuthMethod) -> Client {
    let metadata = ClientMetadata { token_endpoint_auth_method: Some(method), ..ClientMetadata::default() };
    Client { metadata, is_confidential: method != AuthMethod::None, ..client() }
}

fn keep(secret: &str) -> Vec<SecretHash> {
    vec![SecretHash::of_client_secret(secret, &SeededEntropy::new(1))]
}

#[test]
fn c18_basic_is_read_percent_decoded_and_raw() {
    let awkward = "a:b%c+d é";
    let encoded = "a%3Ab%25c%2Bd+%C3%A9";
    for sent in [awkward, encoded] {
        let presented = of_header(&basic(&format!("roster:{sent}"))).unwrap();
        assert_eq!(presented.id, "roster");
        assert_eq!(presented.authenticate(Some(&client()), &keep(awkward), HERE), Ok(None), "{sent}");
    }
    let percent_encoded_id = of_header(&basic("roster%2Dsync:x")).unwrap();
    assert_eq!(percent_encoded_id.id, "roster-sync");
}

#[test]
fn c19_two_methods_in_one_request_are_refused() {
    for body in [("client_secret", "x"), ("client_assertion", "x"), ("client_id", "somebody-else")] {
        let both = PresentedClient::read(Some(&basic("roster:secret")), &Parameters::from([body]));
        assert_eq!(both.err(), Some(TokenError::TwoCredentials), "{body:?}");
    }
    let same_id = PresentedClient::read(Some(&basic("roster:secret")), &Parameters::from([("client_id", "roster")]));
    assert!(same_id.is_ok());
}

#[test]
fn c20_a_header_that_is_not_basic_is_refused() {
    for header in ["Bearer x", "Basic", "Basic !!!", "Basic cm9zdGVy", "Basic OnNlY3JldA==", "basic"] {
        assert_eq!(of_header(header.as_bytes()).err(), Some(TokenError::MalformedBasic), "{header}");
    }
    assert!(of_header(b"bAsIc cm9zdGVyOnNlY3JldA==").is_ok());
}

#[test]
fn c21_a_confidential_client_needs_its_secret_and_a_public_one_has_none() {
    let without = PresentedClient::read(None, &Parameters::from([("client_id", "roster")])).unwrap();
    let with =
        PresentedClient::read(None, &Parameters::from([("client_id", "roster"), ("client_secret", "s")])).unwrap();
    let method = |method| Err(Disbelief::Method(method));
    assert_eq!(without.authenticate(Some(&client()), &keep("s"), HERE), method(AuthMethod::None));
    assert_eq!(with.authenticate(Some(&client()), &keep("s"), HERE), Ok(None));
    assert_eq!(with.authenticate(Some(&client()), &keep("t"), HERE), Err(Disbelief::Secret));
    let refused = with.authenticate(Some(&public_client()), &[], HERE);
    assert_eq!(refused, method(AuthMethod::ClientSecretPost));
    assert_eq!(without.authenticate(Some(&public_client()), &[], HERE), Ok(None));
    let empty_password = of_header(&basic("roster:")).unwrap();
    assert_eq!(empty_password.authenticate(Some(&client()), &keep("s"), HERE), method(AuthMethod::None));
    assert_eq!(empty_password.authenticate(Some(&public_client()), &[], HERE), Ok(None));
}

#[test]
fn c26_two_secrets_are_live_while_one_is_replaced() {
    let entropy = SeededEntropy::new(2);
    let fresh = Secret::generate(SecretKind::ClientSecret, &entropy);
    let kept = [keep("old-secret"), vec![SecretHash::Sha256(fresh.digest())]].concat();
    for secret in ["old-secret", fresh.expose()] {
        let presented = of_header(&basic(&format!("roster:{secret}"))).unwrap();
        assert_eq!(presented.authenticate(Some(&client()), &kept, HERE), Ok(None));
        assert_eq!(presented.has_chosen_secret(), secret == "old-secret");
    }
}

#[test]
fn c28_unknown_disabled_and_wrong_are_refused_after_the_same_work() {
    let presented = of_header(&basic("roster:s")).unwrap();
    let disabled = Client { state: ClientState::Disabled, ..client() };
    assert_eq!(presented.authenticate(None, &keep("s"), HERE), Err(Disbelief::Unknown));
    assert_eq!(presented.authenticate(Some(&disabled), &keep("s"), HERE), Err(Disbelief::Unknown));
    assert_eq!(presented.authenticate(Some(&client()), &keep("other"), HERE), Err(Disbelief::Secret));
}

#[test]
fn c22_no_method_but_the_registered_one_counts() {
    let key = Key::es256();
    let now = ISSUED.as_seconds();
    let claims = json!({
        "iss": "roster", "sub": "roster", "aud": HERE.issuer, "jti": "a", "exp": now + 60,
    });
    let assertion = key.sign(claims);
    let by_assertion = [("client_assertion", &*assertion), ("client_assertion_type", JWT_BEARER)];
    let presented = [
        (AuthMethod::None, PresentedClient::read(None, &Parameters::from([("client_id", "roster")])).unwrap()),
        (AuthMethod::ClientSecretBasic, of_header(&basic("roster:s")).unwrap()),
        (
            AuthMethod::ClientSecretPost,
            PresentedClient::read(None, &Parameters::from([("client_id", "roster"), ("client_secret", "s")])).unwrap(),
        ),
        (AuthMethod::PrivateKeyJwt, PresentedClient::read(None, &Parameters::from(by_assertion)).unwrap()),
    ];
    for only in [
        AuthMethod::None,
        AuthMethod::ClientSecretBasic,
        AuthMethod::ClientSecretPost,
        AuthMethod::PrivateKeyJwt,
        AuthMethod::TlsClientAuth,
    ] {
        let mut client = registered(only);
        client.metadata.jwks = Some(key.jwks());
        for (used, presented) in &presented {
            let answer = presented.authenticate(Some(&client), &keep("s"), HERE);
            let expected = if *used == only { Ok(()) } else { Err(Disbelief::Method(*used)) };
            assert_eq!(answer.map(|_| ()), expected, "{only:?} {used:?}");
        }
    }
}

#[test]
fn an_assertion_needs_its_type_and_names_its_client() {
    let assertion = Key::es256().sign(json!({ "sub": "roster" }));
    let of = |form: &[(&str, &str)]| {
        let form = form.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        PresentedClient::read(None, &Parameters::new(form))
    };
    let typed = ("client_assertion_type", JWT_BEARER);
    assert_eq!(of(&[("client_assertion", &assertion), typed]).unwrap().id, "roster");
    assert_eq!(
        of(&[("client_assertion", &assertion)]).err(),
        Some(TokenError::MissingParameter("client_assertion_type"))
    );
    let saml = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer");
    assert_eq!(of(&[("client_assertion", &assertion), saml]).err(), Some(TokenError::AssertionType));
    assert_eq!(of(&[("client_assertion", "x"), typed]).err(), Some(TokenError::ClientAuthenticationFailed));
    let both = of(&[("client_assertion", &assertion), typed, ("client_secret", "s")]);
    assert_eq!(both.err(), Some(TokenError::TwoCredentials));
}

#[test]
fn a_request_that_names_no_client_says_so() {
    let nobody = PresentedClient::read(None, &Parameters::default());
    assert_eq!(nobody.err(), Some(TokenError::MissingParameter("client_id")));
}
