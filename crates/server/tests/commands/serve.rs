//! `countersign serve`: starts on an empty folder, shows what `apply` and `contract import` change beside it, and ends when told to.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;

use crate::binary::{Folder, command, run};

const WORLD: &str = r#"organizations:
  - id: acme
    roles: [{name: Directory admin, permissions: ["directory:user:view", "oauth:client:view"]}]
    clients:
      - {id: sync, name: Sync, grant_types: [client_credentials], secret: s3cret, roles: [Directory admin]}
    authorizations: [{client: Sync, scopes: ["oauth:readonly"]}]
"#;

/// A running server; killed with the value, if a test fails before it stops it.
pub(crate) struct Server {
    process: Child,
    origin: String,
    log: Receiver<String>,
}

impl Server {
    pub(crate) fn start(data: &str) -> Self {
        Self::start_with(&["--data", data])
    }

    fn start_with(options: &[&str]) -> Self {
        let arguments = [&["serve", "--listen", "127.0.0.1:0"], options].concat();
        let mut process = command(&arguments).spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines().map_while(Result::ok);
        let origin = lines.find_map(|line| {
            let (_, address) = line.split_once("listening on ")?;
            let address: String = address.chars().take_while(|c| c.is_ascii_digit() || ".:".contains(*c)).collect();
            Some(format!("http://{address}"))
        });
        // What is logged later must have a reader.
        let (sender, log) = channel();
        std::thread::spawn(move || lines.for_each(|line| drop(sender.send(line))));
        Self { process, origin: origin.unwrap(), log }
    }

    /// Where it listens.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// SIGKILL.
    pub(crate) fn kill(&self) {
        assert!(Command::new("kill").args(["-KILL", &self.process.id().to_string()]).status().unwrap().success());
    }

    /// SIGHUP; everything that is logged until `last` is.
    fn reload(&self, last: &str) -> String {
        assert!(Command::new("kill").args(["-HUP", &self.process.id().to_string()]).status().unwrap().success());
        let mut log = String::new();
        while !log.contains(last) {
            let line = self.log.recv_timeout(Duration::from_secs(30));
            log += &line.unwrap_or_else(|_| panic!("`{last}` was not logged, but:\n{log}"));
            log.push('\n');
        }
        log
    }

    /// Whether a proxy would let a call without credentials through.
    fn lets_through(&self, path: &str) -> u16 {
        let request = reqwest::Client::new()
            .get(format!("{}/enforce/forward-auth", self.origin))
            .header("x-forwarded-method", "GET")
            .header("x-forwarded-uri", path)
            .header("x-forwarded-host", "api.test")
            .header("x-forwarded-proto", "https");
        in_runtime(async { request.send().await.unwrap().status().as_u16() })
    }

    /// The status of a call, and its body.
    fn call(&self, token: &str, path: &str) -> (u16, Value) {
        let request = reqwest::Client::new().get(format!("{}{path}", self.origin)).bearer_auth(token);
        in_runtime(async {
            let response = request.send().await.unwrap();
            (response.status().as_u16(), response.json().await.unwrap_or_default())
        })
    }

    fn token(&self, client: &str, secret: &str) -> String {
        let request = reqwest::Client::new()
            .post(format!("{}/oauth/token", self.origin))
            .basic_auth(client, Some(secret))
            .form(&[("grant_type", "client_credentials")]);
        let answer: Value = in_runtime(async { request.send().await.unwrap().json().await.unwrap() });
        answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// SIGTERM; the exit status.
    pub(crate) fn stop(mut self) -> Option<i32> {
        assert!(Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status().unwrap().success());
        self.process.wait().unwrap().code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn in_runtime<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

#[test]
fn a_server_starts_on_an_empty_folder_and_ends_in_order() {
    let folder = Folder::new();
    let server = Server::start(&folder.path("data"));
    for path in ["/healthz", "/readyz"] {
        assert_eq!(server.call("", path).0, 200, "{path}");
    }
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn what_is_applied_beside_a_running_server_counts_with_the_next_call() {
    let folder = Folder::new();
    let data = folder.path("data");
    let server = Server::start(&data);
    let apply = |world: &str| {
        let file = folder.file("world.yaml", world);
        let run = run(&["apply", &file, "--data", &data], "");
        assert_eq!(run.status, 0, "{run:?}");
    };
    apply(WORLD);
    let token = server.token("sync", "s3cret");
    assert_eq!(server.call(&token, "/api/v2/oauth/clients").0, 200);
    let (status, body) = server.call(&token, "/api/v2/users/search?q64=e30=");
    assert_eq!((status, &body["missing"]["scopes_any_of"]), (403, &serde_json::json!([["users"], ["users:readonly"]])));

    apply(&WORLD.replace("[\"oauth:readonly\"]", "[\"users:readonly\"]"));
    assert_eq!(server.call(&token, "/api/v2/oauth/clients").0, 403, "the scope is gone");
    apply(&WORLD.replace("scopes: [\"oauth:readonly\"]", "scopes: [\"oauth:readonly\"], state: revoked"));
    assert_eq!(server.call(&token, "/api/v2/oauth/clients").0, 403, "the app is revoked");
    apply(WORLD);
    assert_eq!(server.call(&token, "/api/v2/oauth/clients").0, 200);
    apply(&WORLD.replace("secret: s3cret", "secret: another"));
    server.token("sync", "another");
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_hangup_reads_the_configuration_again_and_a_bad_one_changes_nothing() {
    let folder = Folder::new();
    let contract = folder.file(
        "hours.yaml",
        "openapi: 3.0.3\ninfo: {title: Hours, version: '1'}\npaths: {/hours: {get: {operationId: getHours, security: []}}}\n",
    );
    let config = folder.file("countersign.toml", "");
    let server = Server::start_with(&["--data", &folder.path("data"), "--config", &config]);
    assert_eq!(server.lets_through("/hours"), 404);

    let upstream = format!("[[upstream]]\nname = \"hours\"\ncontract = {contract:?}\n");
    folder.file("countersign.toml", &upstream);
    server.reload("the configuration was read again");
    assert_eq!(server.lets_through("/hours"), 200);

    folder.file("countersign.toml", format!("{upstream}prefix = \"hours\"\n"));
    let log = server.reload("the configuration stays as it was");
    let says = |part: &str| assert!(log.contains(part), "{part}: {log}");
    says("countersign.toml: TOML parse error at line 4");
    says("a prefix is a path in canonical form");
    assert_eq!(server.lets_through("/hours"), 200);

    folder.file("countersign.toml", format!("[gateway]\nlisten = \"127.0.0.1:1\"\n{upstream}prefix = \"/shop\"\n"));
    server.reload("\"key\":\"gateway.listen\"");
    assert_eq!((server.lets_through("/hours"), server.lets_through("/shop/hours")), (404, 200));
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn an_address_that_is_taken_is_an_error_with_status_1() {
    let folder = Folder::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let run = run(&["serve", "--listen", &address, "--data", &folder.path("data")], "");
    assert_eq!(run.status, 1);
    assert_eq!(run.stderr, format!("error: cannot listen on `{address}`: Address already in use (os error 98)\n"));
}
