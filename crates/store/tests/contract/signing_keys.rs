//! Signing keys.

use countersign_domain::oauth::signing_key::{SigningAlgorithm, SigningKey};
use countersign_store::SystemTask;
use serde_json::json;

use crate::fixture::NOW;

fn key(kid: &str, after_seconds: i64) -> SigningKey {
    SigningKey {
        kid: kid.to_owned(),
        algorithm: SigningAlgorithm::EdDsa,
        public_jwk: json!({ "kty": "OKP", "kid": kid }),
        sealed_private_key: vec![0, 1, 2, 255],
        created_at: NOW,
        active_from: NOW.plus_seconds(after_seconds),
    }
}

both! {
    async fn signing_keys_are_read_back_as_they_were_made_the_oldest_first(fixture) {
        let system = fixture.system(SystemTask::SigningKeys);
        assert_eq!((system.signing_keys_revision().await.unwrap(), system.signing_keys().await.unwrap()), (0, vec![]));
        assert!(system.change_signing_keys(0, &[key("b", 1), key("a", 0)], &[]).await.unwrap());
        assert_eq!(system.signing_keys_revision().await.unwrap(), 1);
        assert_eq!(system.signing_keys().await.unwrap(), [key("a", 0), key("b", 1)]);
        assert!(system.change_signing_keys(1, &[key("c", 2)], &["a".to_owned()]).await.unwrap());
        assert_eq!(system.signing_keys().await.unwrap(), [key("b", 1), key("c", 2)]);
    }

    async fn keys_that_were_made_for_another_set_are_not_kept(fixture) {
        let system = fixture.system(SystemTask::SigningKeys);
        assert!(system.change_signing_keys(0, &[key("a", 0)], &[]).await.unwrap());
        assert!(!system.change_signing_keys(0, &[key("b", 0)], &["a".to_owned()]).await.unwrap());
        assert_eq!(system.signing_keys().await.unwrap(), [key("a", 0)]);
    }

    async fn of_many_first_starts_one_makes_the_keys(fixture) {
        let system = fixture.system(SystemTask::SigningKeys);
        let sets: Vec<[SigningKey; 1]> = (0..20).map(|number| [key(&number.to_string(), 0)]).collect();
        let starts = sets.iter().map(|set| system.change_signing_keys(0, set, &[]));
        let made: Vec<bool> = crate::wall::join_all(starts).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(made.iter().filter(|made| **made).count(), 1);
        assert_eq!(system.signing_keys().await.unwrap().len(), 1);
    }
}
