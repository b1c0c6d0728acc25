//! Keys that all nodes share.

use countersign_store::{Options, Store, SystemTask};

use crate::fixture::NOW;

both! {
    async fn c58_all_nodes_have_one_key_of_a_name_also_when_they_make_it_at_once(fixture) {
        let system = fixture.system(SystemTask::Housekeeping);
        let keys = crate::wall::join_all((0..20).map(|_| system.server_secret("nonces"))).await;
        let first = *keys[0].as_ref().unwrap();
        assert!(keys.iter().all(|key| *key.as_ref().unwrap() == first));
        assert_ne!(system.server_secret("other").await.unwrap(), first);
        let other = Store::open(&fixture.location, Options::default()).await.unwrap();
        let there = other.system(SystemTask::Housekeeping, NOW, &fixture.entropy);
        assert_eq!(there.server_secret("nonces").await.unwrap(), first);
        other.close().await;
    }
}
