//! The keys that sign tokens: published, rotated, sealed (OpenID Connect Core §10.1.1, RFC 7517).

use std::collections::BTreeSet;

use countersign_domain::oauth::signing_key::{
    JWKS_CACHE_SECONDS, PUBLICATION_SECONDS, RETIREMENT_SECONDS, Rotation, SigningAlgorithm,
};
use countersign_server::config::Config;
use countersign_server::keys::SigningKeys;
use countersign_store::SystemTask;
use jsonwebtoken::decode_header;
use serde_json::{Value, json};

use crate::support::{Server, at_once};
use crate::world::WORLD;

async fn published(server: &Server) -> Vec<Value> {
    server.get("/oauth/jwks").await.ok()["keys"].as_array().unwrap().clone()
}

fn kids(keys: &[Value]) -> BTreeSet<&str> {
    keys.iter().map(|key| key["kid"].as_str().unwrap()).collect()
}

/// Which key signs now.
fn signing_kid(server: &Server, algorithm: SigningAlgorithm) -> String {
    let keys = &server.app.signing_keys;
    let jwt = keys.sign(algorithm, "JWT", &json!({ "sub": "x" }), server.app.clock.now()).unwrap();
    decode_header(&jwt).unwrap().kid.unwrap()
}

async fn rotate(server: &Server) -> Rotation {
    let (store, now, entropy) = (&server.app.store, server.app.clock.now(), server.app.entropy.as_ref());
    let rotation = server.app.signing_keys.rotate(store, now, entropy).await.unwrap();
    server.app.signing_keys.reload(store, now, entropy).await.unwrap();
    rotation
}

#[tokio::test]
async fn e08_the_key_set_has_public_members_distinct_names_and_cache_headers() {
    let server = Server::start(WORLD).await;
    let answer = server.get("/oauth/jwks").await;
    assert_eq!(answer.header("cache-control"), format!("public, max-age={JWKS_CACHE_SECONDS}"));
    assert_eq!(answer.header("access-control-allow-origin"), "*", "e27");
    let keys = published(&server).await;
    let names: BTreeSet<&str> = keys.iter().map(|key| key["alg"].as_str().unwrap()).collect();
    assert_eq!(names, BTreeSet::from(["ES256", "EdDSA", "RS256"]));
    assert_eq!(kids(&keys).len(), 3);
    for key in &keys {
        let members: BTreeSet<&str> = key.as_object().unwrap().keys().map(String::as_str).collect();
        let own: &[&str] = match key["kty"].as_str().unwrap() {
            "EC" => &["crv", "x", "y"],
            "OKP" => &["crv", "x"],
            _ => &["n", "e"],
        };
        let expected: BTreeSet<&str> = ["kty", "kid", "alg", "use"].iter().chain(own).copied().collect();
        assert_eq!((members, &key["use"]), (expected, &json!("sig")));
    }
}

#[tokio::test]
async fn e07_a_new_key_is_published_before_it_signs_and_the_old_one_stays_for_what_it_signed() {
    let server = Server::start(WORLD).await;
    let before = published(&server).await;
    let old = signing_kid(&server, SigningAlgorithm::Es256);
    assert!(matches!(rotate(&server).await, Rotation::Begin { .. }));
    assert_eq!(published(&server).await.len(), 6);
    server.advance(PUBLICATION_SECONDS - 1);
    assert_eq!(signing_kid(&server, SigningAlgorithm::Es256), old);
    assert!(matches!(rotate(&server).await, Rotation::UnderWay { .. }), "one after another");
    server.advance(1);
    let new = signing_kid(&server, SigningAlgorithm::Es256);
    let during = published(&server).await;
    assert!(new != old && kids(&during).contains(old.as_str()) && kids(&during).contains(new.as_str()));
    server.advance(RETIREMENT_SECONDS);
    let after = published(&server).await;
    assert!(kids(&after).contains(new.as_str()) && kids(&after).is_disjoint(&kids(&before)));
}

#[tokio::test]
async fn e07_what_is_over_is_deleted_by_the_next_rotation() {
    let server = Server::start(WORLD).await;
    rotate(&server).await;
    server.advance(PUBLICATION_SECONDS + RETIREMENT_SECONDS);
    rotate(&server).await;
    let kept = server.store(SystemTask::SigningKeys).signing_keys().await.unwrap();
    assert_eq!(kept.len(), 6, "the active and the next of each algorithm");
}

#[tokio::test]
async fn every_algorithm_signs_what_its_published_key_verifies() {
    let server = Server::start(WORLD).await;
    let keys = published(&server).await;
    for algorithm in SigningAlgorithm::ALL {
        let claims = json!({ "sub": "ada" });
        let jwt = server.app.signing_keys.sign(algorithm, "at+jwt", &claims, server.app.clock.now()).unwrap();
        let header = decode_header(&jwt).unwrap();
        assert_eq!(header.typ.as_deref(), Some("at+jwt"));
        let key = keys.iter().find(|key| key["kid"] == header.kid.as_deref().unwrap()).unwrap();
        let key = jsonwebtoken::DecodingKey::from_jwk(&serde_json::from_value(key.clone()).unwrap()).unwrap();
        let mut rules = jsonwebtoken::Validation::new(algorithm.as_str().parse().unwrap());
        rules.required_spec_claims.clear();
        assert_eq!(jsonwebtoken::decode::<Value>(&jwt, &key, &rules).unwrap().claims, claims);
    }
}

#[tokio::test]
async fn of_many_first_starts_one_makes_the_keys() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    config.server.data = folder.path().to_owned();
    let server = Server::start(WORLD).await;
    let (now, entropy) = (server.app.clock.now(), server.app.entropy.as_ref());
    let location = countersign_server::app::location(&config);
    let store = countersign_store::Store::open(&location, countersign_store::Options::default()).await.unwrap();
    let starts = (0..4).map(|_| SigningKeys::open(&store, &config, now, entropy));
    let opened = at_once(starts.map(|start| async { start.await.unwrap().jwks(now) })).await;
    assert!(opened.iter().all(|jwks| *jwks == opened[0] && jwks["keys"].as_array().unwrap().len() == 3));
}

#[tokio::test]
async fn the_database_alone_does_not_give_the_private_keys_away() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    config.server.data = folder.path().to_owned();
    let server = Server::start(WORLD).await;
    let (now, entropy) = (server.app.clock.now(), server.app.entropy.as_ref());
    let location = countersign_server::app::location(&config);
    let open = || countersign_store::Store::open(&location, countersign_store::Options::default());
    let store = open().await.unwrap();
    SigningKeys::open(&store, &config, now, entropy).await.unwrap();
    store.close().await;
    let database = std::fs::read(folder.path().join("countersign.db")).unwrap();
    assert!(!database.windows(11).any(|window| window == b"PRIVATE KEY"));

    std::fs::remove_file(folder.path().join("countersign.key")).unwrap();
    let refused = SigningKeys::open(&open().await.unwrap(), &config, now, entropy).await.err().unwrap();
    assert!(refused.to_string().contains("countersign.key` is missing"), "{refused}");
    assert!(!folder.path().join("countersign.key").exists(), "a new file would open nothing");
}

#[tokio::test]
async fn e07_what_was_signed_is_known_again_however_often_keys_were_rotated_since() {
    let server = Server::start(WORLD).await;
    let sign = || {
        let now = server.app.clock.now();
        server.app.signing_keys.sign(SigningAlgorithm::Es256, "JWT", &json!({ "sub": "ada" }), now).unwrap()
    };
    let first = sign();
    for _ in 0..6 {
        rotate(&server).await;
        server.advance(PUBLICATION_SECONDS);
    }
    assert_eq!(published(&server).await.len(), 21);
    for jwt in [first, sign()] {
        assert_eq!(server.app.signing_keys.verified("JWT", &jwt), Some(json!({ "sub": "ada" })));
        assert_eq!(server.app.signing_keys.verified("at+jwt", &jwt), None);
    }
}
