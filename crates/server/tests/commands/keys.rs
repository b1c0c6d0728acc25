//! `countersign keys rotate`: keys are made when absent, published, and rotated one set after another.

use crate::binary::{Folder, run};

#[test]
fn keys_are_made_when_absent_and_rotated_one_set_after_another() {
    let folder = Folder::new();
    let data = folder.path("data");
    let first = run(&["keys", "rotate", "--data", &data], "");
    assert_eq!((first.status, first.stderr.as_str()), (0, ""));
    assert!(first.stdout.starts_with("new keys are published; they sign from 2"), "{}", first.stdout);
    assert!(std::path::Path::new(&data).join("countersign.key").exists());
    let second = run(&["keys", "rotate", "--data", &data], "");
    assert!(second.status == 0 && second.stdout.starts_with("nothing to do: new keys are published already"));
}

#[test]
fn a_lost_key_file_is_named_and_never_replaced() {
    let folder = Folder::new();
    let (data, elsewhere) = (folder.path("data"), folder.path("elsewhere.key"));
    assert_eq!(run(&["migrate", "--data", &data], "").status, 0);
    let key = std::path::Path::new(&data).join("countersign.key");
    std::fs::rename(&key, &elsewhere).unwrap();
    let refused = run(&["keys", "rotate", "--data", &data], "");
    assert_eq!(refused.status, 1);
    assert!(refused.stderr.contains("countersign.key` is missing") && !key.exists(), "{}", refused.stderr);
    assert_eq!(run(&["keys", "rotate", "--data", &data, "--key-file", &elsewhere], "").status, 0);
}
