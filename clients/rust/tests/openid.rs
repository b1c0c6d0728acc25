//! OpenID Connect with the `openidconnect` crate, unmodified: discovery, code with PKCE and nonce, the ID token, userinfo,
//! refresh. The crate revokes over TLS only, which this server leaves to a proxy.

#![expect(clippy::disallowed_methods, reason = "the suites' own environment, not the product's")]

use std::env;
use std::error::Error;
use std::fmt::Debug;
use std::process::Command;

use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreErrorResponseType, CoreProviderMetadata, CoreTokenResponse,
    CoreUserInfoClaims,
};
use openidconnect::reqwest::blocking::Client as Http;
use openidconnect::reqwest::redirect::Policy;
use openidconnect::url::Url;
use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, RefreshToken, RequestTokenError, Scope, StandardErrorResponse, TokenResponse,
};
use serde_json::Value;

type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointMaybeSet, EndpointMaybeSet>;

/// The relying party of the world file, after discovery, and the person who signs in.
struct World {
    client: Client,
    http: Http,
    redirect_uri: String,
    person: Value,
}

/// One authorization, up to the code.
struct Authorization {
    code: AuthorizationCode,
    verifier: PkceCodeVerifier,
    nonce: Nonce,
}

impl World {
    fn discovered() -> Self {
        let origin = env::var("COUNTERSIGN_URL").expect("clients/rust/run starts a server");
        let file = std::fs::read_to_string(env::var("COUNTERSIGN_WORLD").unwrap()).unwrap();
        let world: Value = serde_json::from_str(&file).unwrap();
        let named = |list: &Value, key: &str, name: &str| {
            list.as_array().unwrap().iter().find(|one| one[key] == name).unwrap().clone()
        };
        let organization = named(&world["organizations"], "id", "initech");
        let app = named(&organization["clients"], "name", "Relying Party");
        let text = |value: &Value| value.as_str().unwrap().to_owned();

        let http = Http::builder().redirect(Policy::none()).build().unwrap();
        let metadata = CoreProviderMetadata::discover(&IssuerUrl::new(origin.clone()).unwrap(), &http).unwrap();
        let (id, secret) = (ClientId::new(text(&app["id"])), ClientSecret::new(text(&app["secret"])));
        let redirect_uri = text(&app["redirect_uris"][0]);
        let client = CoreClient::from_provider_metadata(metadata, id, Some(secret))
            .set_redirect_uri(RedirectUrl::new(redirect_uri.clone()).unwrap());
        Self { client, http, redirect_uri, person: organization["users"][0].clone() }
    }

    /// The person signs in, in the browser that the other suites use.
    fn authorized(&self) -> Authorization {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let (address, state, nonce) = self
            .client
            .authorize_url(flow, CsrfToken::new_random, Nonce::new_random)
            .add_scopes(["profile", "email"].map(|scope| Scope::new(scope.to_owned())))
            .set_pkce_challenge(challenge)
            .url();
        let script =
            "import { follow } from '../node/sign_in.js'; const [address, destination, person] = process.argv.slice(1);
            console.log((await follow(address, destination, JSON.parse(person))).href);";
        let node = Command::new("node")
            .args(["--input-type=module", "-e", script, address.as_str(), &self.redirect_uri, &self.person.to_string()])
            .output()
            .unwrap();
        assert!(node.status.success(), "{}", String::from_utf8_lossy(&node.stderr));
        let back = Url::parse(String::from_utf8(node.stdout).unwrap().trim()).unwrap();
        let came = |name: &str| back.query_pairs().find(|(given, _)| given == name).unwrap().1.into_owned();
        assert_eq!(came("state"), *state.secret());
        Authorization { code: AuthorizationCode::new(came("code")), verifier, nonce }
    }

    fn redeemed(&self, Authorization { code, verifier, nonce }: Authorization) -> (CoreTokenResponse, Nonce) {
        let tokens = self.client.exchange_code(code).unwrap().set_pkce_verifier(verifier).request(&self.http).unwrap();
        (tokens, nonce)
    }
}

/// The registered error code that the server refused with.
fn refusal<T: Debug>(
    answer: Result<T, RequestTokenError<impl Error, StandardErrorResponse<CoreErrorResponseType>>>,
) -> String {
    match answer {
        Err(RequestTokenError::ServerResponse(refused)) => refused.error().to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_person_signs_in_and_the_library_believes_the_id_token_and_userinfo() {
    let world = World::discovered();
    let (tokens, nonce) = world.redeemed(world.authorized());
    let (id_token, verifier) = (tokens.id_token().unwrap(), world.client.id_token_verifier());
    let claims = id_token.claims(&verifier, &nonce).unwrap();
    let (algorithm, key) = (id_token.signing_alg().unwrap(), id_token.signing_key(&verifier).unwrap());
    let hash = AccessTokenHash::from_token(tokens.access_token(), algorithm, key).unwrap();
    assert_eq!(claims.access_token_hash(), Some(&hash));

    let about = world.client.user_info(tokens.access_token().clone(), Some(claims.subject().clone())).unwrap();
    let person: CoreUserInfoClaims = about.request(&world.http).unwrap();
    assert_eq!(person.email().unwrap().as_str(), world.person["email"].as_str().unwrap());
}

#[test]
fn an_id_token_with_the_nonce_of_another_request_is_refused_by_the_library() {
    let world = World::discovered();
    let (tokens, _) = world.redeemed(world.authorized());
    let refused = tokens.id_token().unwrap().claims(&world.client.id_token_verifier(), &Nonce::new_random());
    assert!(matches!(refused, Err(ClaimsVerificationError::InvalidNonce(_))), "{refused:?}");
}

#[test]
fn a_code_is_refused_with_the_verifier_of_another_request() {
    let world = World::discovered();
    let (_, other) = PkceCodeChallenge::new_random_sha256();
    let answer =
        world.client.exchange_code(world.authorized().code).unwrap().set_pkce_verifier(other).request(&world.http);
    assert_eq!(refusal(answer), "invalid_grant");
}

#[test]
fn a_refresh_token_is_worth_new_tokens_of_the_same_person() {
    let world = World::discovered();
    let (tokens, nonce) = world.redeemed(world.authorized());
    let verifier = world.client.id_token_verifier();
    let refresh = tokens.refresh_token().unwrap();
    let fresh = world.client.exchange_refresh_token(refresh).unwrap().request(&world.http).unwrap();
    assert_ne!(fresh.access_token().secret(), tokens.access_token().secret());
    let before = tokens.id_token().unwrap().claims(&verifier, &nonce).unwrap();
    // OpenID Connect Core §12.2: it should have no nonce, and has the same subject
    let after = fresh.id_token().unwrap().claims(&verifier, |_: Option<&Nonce>| Ok(())).unwrap();
    assert_eq!(after.subject(), before.subject());
}

#[test]
fn a_refresh_token_that_is_none_is_refused() {
    let world = World::discovered();
    let unknown = RefreshToken::new("unknown".to_owned());
    let answer = world.client.exchange_refresh_token(&unknown).unwrap().request(&world.http);
    assert_eq!(refusal(answer), "invalid_grant");
}
