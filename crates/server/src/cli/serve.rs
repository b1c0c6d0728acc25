//! `countersign serve`: the server, until SIGTERM or SIGINT.

use std::net::SocketAddr;

use clap::Args;

use super::failure::Failure;
use super::storage::{StorageArguments, runtime};
use crate::app::{Application, stop_signal};
use crate::config::Config;
use crate::telemetry;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    pub(super) server: ServerArguments,
}

/// Everything that can be set about a server, over the configuration file.
#[derive(Debug, Clone, Args)]
pub(super) struct ServerArguments {
    #[command(flatten)]
    storage: StorageArguments,
    /// Address to listen on; port 0 lets the system choose [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS", env = "COUNTERSIGN_LISTEN")]
    listen: Option<SocketAddr>,
    /// The address that browsers use, also the issuer [default: `http://` + the address, where that is loopback]
    #[arg(long, value_name = "ORIGIN", env = "COUNTERSIGN_PUBLIC_ORIGIN")]
    public_origin: Option<String>,
    /// Calls with one access token in one minute [default: 3000]
    #[arg(long, value_name = "CALLS", env = "COUNTERSIGN_CALLS_PER_TOKEN_PER_MINUTE")]
    calls_per_token_per_minute: Option<u32>,
    /// Whether apps that were given a token can register themselves [default: false]
    #[arg(long, value_name = "YES", env = "COUNTERSIGN_CLIENT_REGISTRATION", num_args = 0..=1, default_missing_value = "true")]
    client_registration: Option<bool>,
    /// What is logged: `info`, `debug`, `countersign_server=debug` and so on [default: info]
    #[arg(long, value_name = "FILTER", env = "COUNTERSIGN_LOG")]
    log: Option<String>,
}

impl ServerArguments {
    /// The configuration file with these options over it.
    pub(super) fn config(&self) -> Result<Config, Failure> {
        let mut config = self.storage.config()?;
        if let Some(listen) = self.listen {
            config.server.listen = listen;
        }
        if let Some(origin) = &self.public_origin {
            config.server.public_origin = Some(origin.clone());
        }
        if let Some(calls) = self.calls_per_token_per_minute {
            config.limits.calls_per_token_per_minute = calls;
        }
        if let Some(is_on) = self.client_registration {
            config.server.client_registration = is_on;
        }
        if let Some(log) = &self.log {
            config.server.log.clone_from(log);
        }
        Ok(config)
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let config = arguments.server.config()?;
    telemetry::start(&config.server.log)?;
    let again = arguments.server.clone();
    runtime()?.block_on(async {
        let application = Application::start(&config).await?;
        let application = application.configured_by(Box::new(move || again.config().map_err(Failure::into_error)));
        tracing::info!(origin = %application.app.origin, "listening on {}", application.address());
        if let Some(address) = application.mutual_tls_address() {
            tracing::info!("apps show certificates on {address}");
        }
        if let Some(address) = application.gateway_address() {
            tracing::info!("the gateway listens on {address}");
        }
        if let Some(address) = application.ext_authz_address() {
            tracing::info!("Envoy is answered on {address}");
        }
        if let Some(address) = application.operations_address() {
            tracing::info!("operators find metrics on {address}");
        }
        application.run(stop_signal()).await;
        Ok(())
    })
}
