//! Authorization requests in progress.

use countersign_domain::secret::Digest;
use countersign_store::SystemTask;
use countersign_store::interaction::Interaction;
use serde_json::json;

use crate::fixture::NOW;

fn interaction() -> Interaction {
    Interaction {
        digest: Digest::of(b"interaction"),
        binding: Digest::of(b"pre-session"),
        request: json!({ "client_id": "app", "state": "ü\u{0}\n" }),
        created_at: NOW,
        expires_at: NOW.plus_seconds(600),
    }
}

both! {
    async fn an_interaction_is_kept_until_it_ends(fixture) {
        let kept = interaction();
        fixture.system(SystemTask::Authorize).save_interaction(&kept).await.unwrap();
        let at = |seconds| fixture.at(SystemTask::Authorize, NOW.plus_seconds(seconds));
        assert_eq!(at(599).interaction(&kept.digest).await.unwrap().as_ref(), Some(&kept));
        assert_eq!(at(600).interaction(&kept.digest).await.unwrap(), None);
        assert_eq!(at(600).take_interaction(&kept.digest).await.unwrap(), None);
        assert_eq!(at(599).take_interaction(&kept.digest).await.unwrap(), Some(kept));
    }

    async fn a57_of_many_takers_one_gets_it(fixture) {
        let system = fixture.system(SystemTask::Authorize);
        system.save_interaction(&interaction()).await.unwrap();
        let digest = interaction().digest;
        let taken = crate::wall::join_all((0..50).map(|_| system.take_interaction(&digest))).await;
        assert_eq!(taken.into_iter().filter_map(|outcome| outcome.unwrap()).count(), 1);
    }

    async fn a_interaction_changes_hands_only_from_its_own_cookie(fixture) {
        let system = fixture.system(SystemTask::Authorize);
        let kept = interaction();
        system.save_interaction(&kept).await.unwrap();
        let session = Digest::of(b"session");
        assert!(!system.rebind_interaction(&kept.digest, &Digest::of(b"stranger"), &session).await.unwrap());
        assert!(system.rebind_interaction(&kept.digest, &kept.binding, &session).await.unwrap());
        assert_eq!(system.interaction(&kept.digest).await.unwrap().unwrap().binding, session);
    }
}
