//! `countersign demo`: the rule, told in real calls. A server with the sample world starts, the story's calls are made
//! against it over HTTP, and then it keeps serving, for whoever wants to look around.
//!
//! | file | does |
//! |---|---|
//! | `demo/story.rs` | the scenes, a table: who calls what through which app, and what must come of it |
//! | `demo/cast.rs` | the people and apps of the sample world, with their passwords and secrets |
//! | `demo/client.rs` | signs in through the pages, gets tokens, makes calls |
//! | `demo/folder.rs` | where the data is, and whose it is |

mod cast;
mod client;
mod folder;
mod story;

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use countersign_decision::{ImportOptions, SourceFile, import};
use countersign_domain::world::World;
use countersign_store::apply::ApplyOptions;
use countersign_store::{Options, Store, SystemTask};

use super::failure::Failure;
use super::storage::runtime;
use crate::app::{Application, SystemEntropy, location, stop_signal};
use crate::config::Config;
use crate::contracts::{Configured, console_scopes, load, platform};
use crate::http::now::{Clock, SystemClock};
use crate::telemetry;
use cast::Cast;
use folder::Folder;

/// Organizations, people, apps and what each organization allows.
const WORLD: &str = include_str!("../../../../examples/world.yaml");
/// An API that somebody else runs.
const BOOKSHOP: &str = include_str!("../../../../examples/bookshop.openapi.yaml");

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Address to listen on; port 0 lets the system choose [default: 127.0.0.1:8080, with --once any free port]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Folder for the data, empty or of an earlier demo [default: a temporary one, removed in the end]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// End after the calls; the exit status is 0 only if every answer was as it must be
    #[arg(long)]
    once: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    telemetry::start("warn")?;
    let folder = Folder::open(arguments.data.as_deref())?;
    let mut config = Config::default();
    config.server.data = folder.path().to_owned();
    if arguments.once {
        config.server.listen.set_port(0);
    }
    if let Some(listen) = arguments.listen {
        config.server.listen = listen;
    }
    runtime()?.block_on(tell(&config, &folder, arguments.once))
}

async fn tell(config: &Config, folder: &Folder, is_once: bool) -> Result<(), Failure> {
    let world = World::parse("examples/world.yaml", WORLD)?;
    prepare(config, &world).await?;
    let application = Application::start(config).await?;
    let origin = application.app.origin.to_string();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(application.run(async move {
        tokio::select! {
            _ = stopped => {}
            () = stop_signal() => {}
        }
    }));

    let cast = Cast::of(&world);
    let is_as_it_must_be = story::tell(&origin, &cast, &SystemEntropy).await?;
    if is_once {
        // The server may have gone by itself; then there is nobody to stop.
        let _ = stop.send(());
    } else {
        invite(&origin, &cast, folder)?;
    }
    server.await.context("the server")?;
    if is_once && !is_as_it_must_be {
        return Err(Failure::Other(anyhow::anyhow!("an answer was not as it must be")));
    }
    Ok(())
}

/// Brings the folder to the beginning of the story: the sample contract, the sample world and nothing else.
async fn prepare(config: &Config, world: &World) -> Result<(), Failure> {
    let store = Store::open(&location(config), Options::default()).await?;
    let (now, entropy) = (SystemClock.now(), &SystemEntropy);
    let file = SourceFile { name: "examples/bookshop.openapi.yaml", text: BOOKSHOP };
    let bookshop = import(&[file], &ImportOptions { name: "bookshop".to_owned(), ..ImportOptions::default() })?;
    let json = serde_json::to_value(&bookshop).context("the sample contract")?;
    store.system(SystemTask::Demo, now, entropy).save_contract(&bookshop.name, &json).await?;
    let contracts = load(&store, &Configured::default(), now, entropy).await?.contracts;
    let options =
        ApplyOptions { is_dry_run: false, prunes: true, console_scopes: console_scopes(platform(&contracts)) };
    store.system(SystemTask::Demo, now, entropy).apply(world, &options).await?;
    store.close().await;
    Ok(())
}

/// What to open and who to sign in as.
fn invite(origin: &str, cast: &Cast<'_>, folder: &Folder) -> Result<(), Failure> {
    let agent = cast.app(story::AGENT);
    let mut text = format!("The server keeps running at {origin}\n\nOpen\n");
    text.push_str(&format!("  {origin}/\n"));
    text.push_str(&format!("  {origin}/oauth/approval?client_id={}&scope=users\n", agent.id));
    text.push_str("      approve the app as Hedy; as Katherine, ask for it\n\nSign in as\n");
    for (person, roles) in cast.people() {
        let roles = if roles.is_empty() { "no role".to_owned() } else { roles.join(", ") };
        text.push_str(&format!("  {:<22} {:<18} {}: {roles}\n", person.email, person.password, person.name));
    }
    text.push_str(&format!("\n{folder} Ctrl-C stops the server.\n"));
    Ok(anstream::stdout().lock().write_all(text.as_bytes())?)
}
