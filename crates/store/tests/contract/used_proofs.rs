//! What can be used once.

use countersign_domain::oauth::used_proof::UsedProof;
use countersign_store::{Options, Store, SystemTask};

use crate::fixture::NOW;

both! {
    async fn c25_a_proof_is_used_once_by_whoever_is_first(fixture) {
        let proof = UsedProof::of_assertion("app", "jti", NOW.plus_seconds(60));
        let system = fixture.system(SystemTask::TokenEndpoint);
        let claims = crate::wall::join_all((0..50).map(|_| system.claim_proof(&proof))).await;
        assert_eq!(claims.into_iter().filter(|claimed| *claimed.as_ref().unwrap()).count(), 1);
        let of_another = UsedProof::of_assertion("other", "jti", NOW.plus_seconds(60));
        assert!(system.claim_proof(&of_another).await.unwrap());
        assert!(system.claim_proof(&UsedProof::of_dpop("app", "jti", NOW)).await.unwrap());
    }

    async fn c25_a_use_is_known_on_another_node_and_after_a_restart(fixture) {
        let proof = UsedProof::of_assertion("app", "jti", NOW.plus_seconds(60));
        assert!(fixture.system(SystemTask::TokenEndpoint).claim_proof(&proof).await.unwrap());
        let other = Store::open(&fixture.location, Options::default()).await.unwrap();
        let system = other.system(SystemTask::TokenEndpoint, NOW, &fixture.entropy);
        assert!(!system.claim_proof(&proof).await.unwrap());
        other.close().await;
    }

    async fn b12_a_use_is_forgotten_when_the_proof_is_too_old_to_count(fixture) {
        let proof = UsedProof::of_dpop("key", "jti", NOW.plus_seconds(60));
        fixture.system(SystemTask::TokenEndpoint).claim_proof(&proof).await.unwrap();
        let at = |seconds| fixture.at(SystemTask::Housekeeping, NOW.plus_seconds(seconds));
        assert_eq!(at(59).delete_ended().await.unwrap(), 0);
        assert_eq!(at(60).delete_ended().await.unwrap(), 1);
        assert_eq!(fixture.count("SELECT COUNT(*) FROM used_proofs").await, 0);
    }
}
