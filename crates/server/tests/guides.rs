//! The guides, followed word for word: each page's `sh` blocks are typed into one shell, from its top to its end, and what
//! the page shows as the outcome must come out.
//!
//! | block | the reader | here |
//! |---|---|---|
//! | `sh` | types it | must succeed |
//! | `sh fails` | types it and is refused | must not succeed |
//! | `sh proxy` | the same with a proxy, in the place of the one before | goes on when it listens; where it is not installed, its section is skipped |
//! | `sh background` | types it, one command, in a second terminal | runs on; the page goes on when `/readyz` answers |
//! | `address E-MAIL PASSWORD` | opens the address printed before in a browser, signs in, sees where it ends | the same with `curl`, which must end at such an address |
//! | `sh paste` | types it, then pastes that address | the same |
//! | `yaml NAME`, `toml NAME`, `nginx NAME` | writes a file of this name | the same |
//! | `text` | sees it | its lines are those of the command before; `…` stands for anything |
//!
//! Blocks of other kinds show something. The addresses 127.0.0.1:8000, :8080, :8081, :9000 and :9464 are replaced by free ones,
//! in the files of `deploy` as well.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

#[test]
fn a_first_organization_is_set_up_as_the_guide_says() {
    follow("docs/guides/first-organization.md");
}

#[test]
fn an_app_is_connected_as_the_guide_says() {
    follow("docs/guides/connect-an-app.md");
}

#[test]
fn an_app_is_approved_as_the_guide_says() {
    follow("docs/guides/approve-an-app.md");
}

#[test]
fn decisions_are_made_offline_as_the_guide_says() {
    follow("docs/guides/offline-decisions.md");
}

#[test]
fn least_privilege_is_found_as_the_guide_says() {
    follow("docs/guides/least-privilege.md");
}

#[test]
fn the_library_finds_what_it_needs_as_the_guide_says() {
    follow("docs/guides/embed-the-library.md");
}

#[test]
fn decisions_are_asked_for_as_the_guide_says() {
    follow("docs/guides/ask-for-decisions.md");
}

#[test]
fn what_an_app_can_do_is_seen_as_the_guide_says() {
    follow("docs/guides/see-what-an-app-can-do.md");
}

#[test]
fn assertions_are_checked_as_the_guide_says() {
    follow("docs/guides/assertions-in-ci.md");
}

#[test]
fn the_gateway_is_put_before_an_api_as_the_guide_says() {
    follow("docs/guides/put-it-before-an-api.md");
}

#[test]
fn a_server_is_observed_as_the_guide_says() {
    follow("docs/guides/observe.md");
}

#[test]
fn a_proxy_asks_or_stands_before_the_gateway_as_the_guide_says() {
    follow("docs/guides/behind-a-proxy.md");
}

#[test]
fn the_configuration_is_what_its_page_says() {
    follow("docs/reference/configuration.md");
}

#[test]
fn a_world_file_is_what_its_page_says() {
    follow("docs/reference/world-file.md");
}

fn follow(page: &str) {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    if Command::new("curl").arg("--version").output().is_err() {
        return skip("the guides, followed word for word: install curl (Debian: apt-get install curl)");
    }
    let addresses = Addresses::free();
    let Addresses { address, proxy, .. } = &addresses;
    let text = std::fs::read_to_string(root.join(page)).expect("the page");
    if text.contains("python3 -m") && Command::new("python3").arg("--version").output().is_err() {
        return skip("the guide to the gateway: install Python (Debian: apt-get install python3)");
    }
    let text = addresses.put_into(&text);

    let mut shell = Shell::start(root, address);
    if text.contains("deploy/") {
        addresses.copy(&root.join("deploy"), &shell.folder.path().join("deploy"));
    }
    let (mut output, mut arrived) = (String::new(), String::new());
    let mut skipped = None;
    for block in blocks(&text) {
        let place = format!("{page}:{}", block.line);
        if skipped == Some(block.section) {
            continue;
        }
        match block.kind.split_once(' ').unwrap_or((block.kind, "")) {
            ("sh", "") => output = shell.run(block.text, &place, true),
            ("sh", "fails") => output = shell.run(block.text, &place, false),
            ("sh", "background") => shell.start_server(block.text, address, &place),
            ("sh", "proxy") => {
                let program = block.text.split_whitespace().next().unwrap_or_default();
                if shell.run(&format!("command -v {program} || true"), &place, true).trim().is_empty() {
                    skip(&format!(
                        "the guide to proxies with {program}: install {program} (Debian: apt-get install {program})"
                    ));
                    skipped = Some(block.section);
                } else {
                    shell.start_proxy(block.text, proxy, &place);
                }
            }
            ("sh", "paste") => output = shell.run_and_paste(block.text, &arrived, &place),
            ("address", person) => {
                arrived = shell.browse(output.trim(), person, &place);
                compare(block.text, &arrived, &place);
            }
            ("yaml" | "toml" | "nginx", name) if !name.is_empty() => shell.write(name, block.text),
            ("text", _) => compare(block.text, &output, &place),
            _ => {}
        }
    }
}

/// Addresses that nobody listens on, in place of those that the pages name.
struct Addresses {
    address: String,
    gateway: String,
    api: String,
    proxy: String,
    operations: String,
}

impl Addresses {
    fn free() -> Self {
        let listeners = [(); 5].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
        let [address, gateway, api, proxy, operations] =
            listeners.map(|listener| listener.local_addr().expect("an address").to_string());
        Self { address, gateway, api, proxy, operations }
    }

    fn put_into(&self, text: &str) -> String {
        let port = |address: &str| address.replace("127.0.0.1:", "");
        text.replace("127.0.0.1:8080", &self.address)
            .replace("127.0.0.1:8081", &self.gateway)
            .replace("127.0.0.1:9000", &self.api)
            .replace("127.0.0.1:8000", &self.proxy)
            .replace("127.0.0.1:9464", &self.operations)
            .replace("http.server 9000", &format!("http.server {}", port(&self.api)))
            .replace("http://:8000", &format!("http://:{}", port(&self.proxy)))
    }

    /// Copies a folder of files with these addresses.
    fn copy(&self, from: &Path, to: &Path) {
        std::fs::create_dir(to).expect("a folder");
        for entry in std::fs::read_dir(from).expect("the folder") {
            let path = entry.expect("an entry").path();
            let to = to.join(path.file_name().expect("a name"));
            if path.is_dir() {
                self.copy(&path, &to);
            } else {
                std::fs::write(to, self.put_into(&std::fs::read_to_string(&path).expect("a text"))).expect("a file");
            }
        }
    }
}

struct Block<'a> {
    kind: &'a str,
    text: &'a str,
    line: usize,
    /// How many headings stand above.
    section: usize,
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut found = Vec::new();
    let (mut open, mut offset, mut section) = (None, 0, 0);
    for (index, line) in page.split_inclusive('\n').enumerate() {
        if let Some(info) = line.strip_prefix("```") {
            open = match open {
                None => Some((info.trim(), offset + line.len(), index + 1)),
                Some((kind, start, line)) => {
                    found.push(Block { kind, text: &page[start..offset], line, section });
                    None
                }
            };
        } else if open.is_none() && line.starts_with('#') {
            section += 1;
        }
        offset += line.len();
    }
    assert!(open.is_none(), "a block is not closed");
    found
}

/// The lines of `shown` are the lines that came out; `…` matches anything within a line, and alone any number of lines.
fn compare(shown: &str, output: &str, place: &str) {
    let mut came = output.lines().map(str::trim_end).filter(|line| !line.is_empty());
    let mut is_gap = false;
    for line in shown.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
        if line.trim() == "…" {
            is_gap = true;
            continue;
        }
        let found = if is_gap {
            came.any(|came| matches(line, came))
        } else {
            came.next().is_some_and(|came| matches(line, came))
        };
        assert!(found, "{place}: `{line}` did not come out here:\n{output}");
        is_gap = false;
    }
    assert!(is_gap || came.next().is_none(), "{place}: more came out than the page shows:\n{output}");
}

fn matches(pattern: &str, line: &str) -> bool {
    match pattern.split_once('…') {
        None => pattern == line,
        Some((start, rest)) => line.strip_prefix(start).is_some_and(|tail| {
            rest.is_empty() || tail.char_indices().any(|(at, _)| matches(rest, &tail[at..])) || matches(rest, "")
        }),
    }
}

/// A shell in an empty folder, with `countersign` on its path and the repository's `examples` beside it.
struct Shell {
    process: Child,
    input: Option<ChildStdin>,
    lines: Receiver<String>,
    folder: tempfile::TempDir,
}

const END: &str = "=== the end of a block, status ";

impl Shell {
    fn start(root: &Path, address: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let binary = Path::new(env!("CARGO_BIN_EXE_countersign")).parent().expect("a folder");
        // Debian keeps some proxies in a folder that is not on everybody's path
        let path = format!("{}:{}:/usr/sbin", binary.display(), std::env::var_os("PATH").unwrap_or_default().display());
        std::os::unix::fs::symlink(
            root.canonicalize().expect("the repository").join("examples"),
            folder.path().join("examples"),
        )
        .expect("a link");
        let mut process = Command::new("bash")
            .args(["--noprofile", "--norc"])
            .current_dir(folder.path())
            .env("PATH", path)
            .env("HOME", folder.path())
            .env("NO_PROXY", "127.0.0.1")
            .env("COUNTERSIGN_LISTEN", address)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("bash");
        let mut input = process.stdin.take().expect("piped");
        input.write_all(b"exec 2>&1; trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n").expect("a shell that listens");
        let (sender, lines) = channel();
        let output = BufReader::new(process.stdout.take().expect("piped"));
        thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { process, input: Some(input), lines, folder }
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).expect("a file");
    }

    /// Types the block and returns what came out.
    fn run(&mut self, block: &str, place: &str, succeeds: bool) -> String {
        self.type_in(&format!("{{\n{block}\n}}; printf '\\n{END}%s\\n' $?\n"));
        self.listen(place, succeeds)
    }

    /// Types the block, then a line that the block waits for.
    fn run_and_paste(&mut self, block: &str, line: &str, place: &str) -> String {
        self.type_in(&format!("{{\n{block}\n}}; printf '\\n{END}%s\\n' $?\n{line}\n"));
        self.listen(place, true)
    }

    /// Opens an address as a browser would, signs in, accepts, and returns the address that this ends at.
    fn browse(&mut self, address: &str, person: &str, place: &str) -> String {
        let (email, password) = person.split_once(' ').expect("an e-mail address and a password");
        let origin = address.split("/oauth/").next().expect("an address");
        let script = format!(
            r#"
            hidden() {{ sed -n 's/.*name="'"$1"'" value="\([^"]*\)".*/\1/p' page.html | head -n 1; }}
            curl -s -L -b jar -c jar '{address}' -o page.html
            send() {{
              curl -s -b jar -c jar '{origin}'"$1" -o page.html -w '%{{redirect_url}}' \
                -d "interaction=$(hidden interaction)" -d "csrf=$(hidden csrf)" "${{@:2}}"
            }}
            next=$(send /oauth/sign-in --data-urlencode 'email={email}' --data-urlencode 'password={password}')
            while case $next in '{origin}'/*) true ;; *) false ;; esac; do
              next=$(curl -s -b jar -c jar "$next" -o page.html -w '%{{redirect_url}}')
              [ -n "$next" ] || next=$(send /oauth/consent --data-urlencode "shown=$(hidden shown)" -d decision=accept)
            done
            echo "$next""#
        );
        self.run(&script, place, true).trim().to_owned()
    }

    /// What comes out until the block ends.
    fn listen(&mut self, place: &str, succeeds: bool) -> String {
        let mut output = String::new();
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(120));
            let line = line.unwrap_or_else(|_| panic!("{place}: the block does not end; so far:\n{output}"));
            if let Some(status) = line.strip_prefix(END) {
                assert_eq!(status == "0", succeeds, "{place}: status {status}:\n{output}");
                return output;
            }
            output.push_str(&line);
            output.push('\n');
        }
    }

    fn start_server(&mut self, block: &str, address: &str, place: &str) {
        self.type_in(&format!("{{ exec {block}\n}} >server.log 2>&1 </dev/null &\n"));
        for _ in 0..300 {
            if is_ready(address) {
                return;
            }
            thread::sleep(Duration::from_millis(100));
        }
        panic!("{place}: the server is not ready:\n{}", self.run("cat server.log", place, true));
    }

    fn start_proxy(&mut self, block: &str, address: &str, place: &str) {
        self.run("[ -z \"${proxy:-}\" ] || { kill \"$proxy\"; wait \"$proxy\"; true; }", place, true);
        self.type_in(&format!("{{ exec {block}\n}} >proxy.log 2>&1 </dev/null & proxy=$!\n"));
        for _ in 0..300 {
            if TcpStream::connect(address).is_ok() {
                return;
            }
            thread::sleep(Duration::from_millis(100));
        }
        panic!("{place}: the proxy does not listen:\n{}", self.run("cat proxy.log", place, true));
    }

    fn type_in(&mut self, text: &str) {
        self.input.as_mut().expect("an open shell").write_all(text.as_bytes()).expect("a shell that listens");
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        drop(self.input.take()); // The shell ends, and with it the server.
        self.process.wait().expect("the shell ends");
    }
}

fn is_ready(address: &str) -> bool {
    let mut answer = String::new();
    let ask = |answer: &mut String| -> std::io::Result<usize> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        write!(stream, "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        stream.read_to_string(answer)
    };
    ask(&mut answer).is_ok() && answer.starts_with("HTTP/1.1 200")
}

fn skip(what: &str) {
    writeln!(std::io::stderr(), "SKIPPED: {what}").expect("standard error");
    if let Some(log) = std::env::var_os("COUNTERSIGN_SKIPPED_LOG") {
        let mut log = OpenOptions::new().create(true).append(true).open(log).expect("the log of skipped tests");
        writeln!(log, "{what}").expect("the log of skipped tests");
    }
}
