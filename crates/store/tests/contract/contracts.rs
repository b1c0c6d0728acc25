//! Contracts.

use countersign_store::SystemTask;
use serde_json::json;

both! {
    async fn a_contract_replaces_the_one_of_its_name_and_the_revision_goes_up(fixture) {
        let system = fixture.system(SystemTask::Contracts);
        assert_eq!(system.contracts_revision().await.unwrap(), 0);
        assert_eq!(system.save_contract("shop", &json!({ "operations": [1] })).await.unwrap(), 1);
        assert_eq!(system.save_contract("bank", &json!({ "operations": [2] })).await.unwrap(), 2);
        assert_eq!(system.save_contract("shop", &json!({ "operations": [3] })).await.unwrap(), 3);
        let expected = [
            ("bank".to_owned(), json!({ "operations": [2] })),
            ("shop".to_owned(), json!({ "operations": [3] })),
        ];
        assert_eq!(system.contracts().await.unwrap(), expected);
        assert_eq!(system.contracts_revision().await.unwrap(), 3);
    }
}
