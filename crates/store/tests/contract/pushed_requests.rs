//! Pushed authorization requests.

use countersign_domain::oauth::pushed_request::PushedRequest;
use countersign_domain::secret::Digest;
use countersign_store::SystemTask;
use countersign_store::pushed_request::MAX_WAITING_REQUESTS;

use crate::fixture::{NOW, client_id};

fn pushed(name: &str) -> PushedRequest {
    PushedRequest {
        digest: Digest::of(name.as_bytes()),
        client: client_id("app"),
        parameters: vec![("state".to_owned(), "ü\u{0}\n".to_owned())],
        expires_at: NOW.plus_seconds(60),
    }
}

both! {
    async fn b05_b06_a_request_is_opened_often_by_its_client_and_finished_once(fixture) {
        let request = pushed("one");
        let at = |seconds| fixture.at(SystemTask::Authorize, NOW.plus_seconds(seconds));
        assert!(at(0).save_pushed_request(&request).await.unwrap());
        let open = async |seconds: i64, client: &str| {
            let forget_at = NOW.plus_seconds(seconds + 1_800);
            at(seconds).open_pushed_request(&request.digest, &client_id(client), forget_at).await.unwrap()
        };
        assert_eq!(open(1, "app").await.as_ref(), Some(&request.parameters));
        assert_eq!(open(59, "app").await.as_ref(), Some(&request.parameters));
        assert_eq!((open(1, "other").await, open(60, "app").await), (None, None));
        fixture.at(SystemTask::Housekeeping, NOW.plus_seconds(1_000)).delete_ended().await.unwrap();
        let system = at(1_000);
        let finished = crate::wall::join_all((0..20).map(|_| system.finish_pushed_request(&request.digest))).await;
        assert_eq!(finished.into_iter().filter(|first| *first.as_ref().unwrap()).count(), 1);
    }

    async fn b12_a_client_has_so_many_requests_waiting_and_no_more(fixture) {
        let system = fixture.system(SystemTask::TokenEndpoint);
        for number in 0..MAX_WAITING_REQUESTS {
            assert!(system.save_pushed_request(&pushed(&number.to_string())).await.unwrap());
        }
        assert!(!system.save_pushed_request(&pushed("more")).await.unwrap());
        let other = PushedRequest { client: client_id("other"), ..pushed("other") };
        assert!(system.save_pushed_request(&other).await.unwrap());
        let later = fixture.at(SystemTask::Housekeeping, NOW.plus_seconds(60));
        assert!(later.save_pushed_request(&pushed("later")).await.unwrap());
        assert_eq!(later.delete_ended().await.unwrap(), 1_002, "the last one ends now as well");
        assert_eq!(fixture.count("SELECT COUNT(*) FROM pushed_requests").await, 0);
    }
}
