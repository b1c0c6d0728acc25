//! Brings a server to a world file.

use countersign_domain::world::World;
use countersign_store::SystemTask;
use countersign_store::apply::ApplyOptions;

use super::Server;

/// Everything in `yaml`, as `countersign apply` would.
pub async fn install(server: &Server, yaml: &str) {
    let world = World::parse("world.yaml", yaml).unwrap();
    let contracts = server.app.contracts();
    let console_scopes = contracts.catalogue().scopes().iter().map(|entry| entry.scope.clone()).collect();
    let options = ApplyOptions { console_scopes, ..ApplyOptions::default() };
    server.store(SystemTask::Apply).apply(&world, &options).await.unwrap();
}
