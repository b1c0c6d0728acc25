//! A real proxy of the system, started with a file of `deploy/`.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::corpus::skip;
use crate::fixture::Doors;
use crate::raw;
use crate::support::Server;

/// Where `clients/proxies/fetch` puts programs.
const FETCHED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../clients/proxies/.venv/bin");

/// What can be started here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Nginx,
    Caddy,
    HaProxy,
    Envoy,
    Traefik,
}

/// Which of its files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It asks us, and forwards to the upstream.
    Asks,
    /// It forwards to our gateway.
    Before,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Caddy => "caddy",
            Self::HaProxy => "haproxy",
            Self::Envoy => "envoy",
            Self::Traefik => "traefik",
        }
    }

    /// Debian keeps some in a folder that is not on everybody's path, and has no package of others.
    fn binary(self) -> Option<String> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = format!("{}:/usr/sbin:/usr/local/sbin:{FETCHED}", path.display());
        let found =
            folders.split(':').map(|folder| format!("{folder}/{}", self.name())).find(|path| Path::new(path).exists());
        if found.is_none() {
            let name = self.name();
            let how = match self {
                Self::Envoy | Self::Traefik => "run clients/proxies/fetch".to_owned(),
                _ => format!("install {name} (Debian: apt-get install {name})"),
            };
            skip(&format!("{name} before Countersign: {how}"));
        }
        found
    }
}

/// A running proxy; gone when dropped.
pub struct Proxy {
    pub address: SocketAddr,
    process: Child,
    folder: TempDir,
}

impl Proxy {
    /// Nothing where it is not installed.
    pub async fn start(kind: Kind, role: Role, server: &Server, doors: Doors, upstream: SocketAddr) -> Option<Self> {
        let binary = kind.binary()?;
        let folder = tempfile::tempdir().unwrap();
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let asked = server.address();
        let deploy = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy");
        let text = |file: &str| {
            std::fs::read_to_string(format!("{deploy}/{file}"))
                .unwrap()
                .replace(":8000", &format!(":{}", address.port()))
                .replace("127.0.0.1:8080", asked.strip_prefix("http://").unwrap())
                .replace("127.0.0.1:8081", &doors.gateway.to_string())
                .replace("127.0.0.1:9000", &upstream.to_string())
                .replace("port_value: 8000", &format!("port_value: {}", address.port()))
                .replace("port_value: 8082", &format!("port_value: {}", doors.ext_authz.port()))
                .replace("port_value: 9000", &format!("port_value: {}", upstream.port()))
        };
        let place = folder.path().display();
        let stem = if role == Role::Asks { "forward-auth" } else { "gateway" };
        let (config, arguments): (String, &[&str]) = match kind {
            Kind::Nginx => {
                let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
                    .map(|name| format!("{name}_temp_path {place}/{name};\n"))
                    .concat();
                let site = text(&format!("nginx/{stem}.conf"));
                let main = format!(
                    "daemon off; master_process off; pid {place}/pid; error_log {place}/log;\n\
                     events {{ worker_connections 512; }}\nhttp {{\naccess_log off;\n{temporary}{site}\n}}\n"
                );
                (main, &["-c"])
            }
            Kind::Caddy => (text(&format!("caddy/{stem}.Caddyfile")), &["run", "--adapter", "caddyfile", "--config"]),
            Kind::HaProxy => {
                let script = format!("{deploy}/haproxy/countersign.lua");
                (text(&format!("haproxy/{stem}.cfg")).replace("/etc/haproxy/countersign.lua", &script), &["-db", "-f"])
            }
            Kind::Envoy => (text("envoy/envoy.yaml"), &["--concurrency", "1", "--disable-hot-restart", "-c"]),
            Kind::Traefik => {
                let dynamic = folder.path().join("dynamic.yaml");
                std::fs::write(&dynamic, text("traefik/dynamic.yaml")).unwrap();
                let main = format!(
                    "entryPoints: {{clients: {{address: \"{address}\", http: {{sanitizePath: false}}}}}}\nproviders: {{file: {{filename: {dynamic:?}}}}}\n\
                     global: {{checkNewVersion: false, sendAnonymousUsage: false}}\n"
                );
                (main, &["--configFile"])
            }
        };
        // Envoy and Traefik tell formats by the name
        let file = folder.path().join("config.yaml");
        std::fs::write(&file, config).unwrap();
        let log = std::fs::File::create(folder.path().join("output")).unwrap();
        let process = Command::new(binary)
            .args(arguments)
            .arg(&file)
            .env("HOME", folder.path())
            .env("XDG_DATA_HOME", folder.path())
            .env("XDG_CONFIG_HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut proxy = Self { address, process, folder };
        for _ in 0..200 {
            if TcpStream::connect(address).await.is_ok() {
                let reply = raw::send(address, b"GET /nothing HTTP/1.1\r\nHost: api.test\r\n\r\n").await;
                // Traefik listens before it has read what to do
                if reply.status() > 0 && !reply.text.ends_with("404 page not found\n") {
                    return Some(proxy);
                }
            }
            let is_gone = proxy.process.try_wait().unwrap().is_some();
            assert!(!is_gone, "{kind:?} does not start:\n{}", proxy.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{kind:?} does not listen:\n{}", proxy.log());
    }

    fn log(&self) -> String {
        let folder = self.folder.path();
        ["output", "log"].map(|name| std::fs::read_to_string(folder.join(name)).unwrap_or_default()).concat()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
