//! What may be tried only so often, on all nodes together.

use countersign_domain::secret::Digest;
use countersign_store::tries::Limited;
use countersign_store::{Options, Store, SystemTask};

use crate::fixture::NOW;

fn limited(name: u8) -> Limited {
    Limited { digest: Digest::of(&[name]), most: 5, wait_seconds: 60 }
}

both! {
    async fn c47_of_many_tries_at_once_no_more_count_than_may(fixture) {
        let system = fixture.system(SystemTask::Authorize);
        let both = [limited(1), limited(2)];
        let tries = crate::wall::join_all((0..30).map(|_| system.count_try(&both))).await;
        let counted = tries.iter().filter(|tried| matches!(tried, Ok(Ok(())))).count();
        assert_eq!(counted, 5);
        assert!(system.count_try(&[limited(3)]).await.unwrap().is_ok(), "another has its own");
    }

    async fn c47_another_node_counts_the_same(fixture) {
        for _ in 0..5 {
            fixture.system(SystemTask::Authorize).count_try(&[limited(1)]).await.unwrap().unwrap();
        }
        let other = Store::open(&fixture.location, Options::default()).await.unwrap();
        let elsewhere = other.system(SystemTask::Authorize, NOW.plus_seconds(20), &fixture.entropy);
        assert_eq!(elsewhere.count_try(&[limited(1)]).await.unwrap(), Err(40));
        other.close().await;
    }

    async fn c47_where_one_is_used_up_none_is_counted(fixture) {
        let system = fixture.system(SystemTask::Authorize);
        for _ in 0..5 {
            system.count_try(&[limited(1)]).await.unwrap().unwrap();
        }
        for _ in 0..5 {
            assert_eq!(system.count_try(&[limited(1), limited(2)]).await.unwrap(), Err(60));
        }
        assert!(system.count_try(&[limited(2)]).await.unwrap().is_ok());
    }

    async fn c47_tries_end_with_the_wait_after_the_last_one(fixture) {
        let at = |seconds| fixture.at(SystemTask::Authorize, NOW.plus_seconds(seconds));
        for seconds in [0, 10, 20, 30, 40] {
            at(seconds).count_try(&[limited(1)]).await.unwrap().unwrap();
        }
        assert_eq!(at(99).count_try(&[limited(1)]).await.unwrap(), Err(1));
        at(100).count_try(&[limited(1)]).await.unwrap().unwrap();
        assert_eq!(fixture.at(SystemTask::Housekeeping, NOW.plus_seconds(159)).delete_ended().await.unwrap(), 0);
        assert_eq!(fixture.at(SystemTask::Housekeeping, NOW.plus_seconds(160)).delete_ended().await.unwrap(), 1);
    }

    async fn c47_a_right_try_takes_back_itself_only(fixture) {
        let system = fixture.system(SystemTask::Authorize);
        for _ in 0..4 {
            system.count_try(&[limited(1)]).await.unwrap().unwrap();
        }
        for _ in 0..10 {
            system.count_try(&[limited(1)]).await.unwrap().unwrap();
            system.take_try_back(&[limited(1)]).await.unwrap();
        }
        system.count_try(&[limited(1)]).await.unwrap().unwrap();
        assert!(system.count_try(&[limited(1)]).await.unwrap().is_err());
    }
}
