//! An upstream that remembers every byte it receives.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    /// Method, target and version.
    pub line: String,
    /// Names in small letters, with their values.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// A listening upstream.
pub struct Upstream {
    pub address: SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    accepting: JoinHandle<()>,
}

impl Upstream {
    /// Answers everything with 200 and `ok`; a WebSocket with 101 and an echo.
    pub async fn start() -> Self {
        Self::answering("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await
    }

    /// Answers everything with these bytes.
    pub async fn answering(answer: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, received) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let kept = Arc::clone(&received);
        let accepting = tokio::spawn(async move {
            let mut conversations = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                conversations.spawn(converse(stream, Arc::clone(&kept), answer));
            }
        });
        Self { address, received, accepting }
    }

    /// Listens no more, and hangs up.
    pub fn stop(&self) {
        self.accepting.abort();
    }

    /// What came since this was asked last.
    pub fn take(&self) -> Vec<Received> {
        std::mem::take(&mut self.received.lock().unwrap())
    }

    /// The one request that came.
    #[track_caller]
    pub fn take_one(&self) -> Received {
        let received = self.take();
        let [one] = &received[..] else { panic!("{received:?}") };
        one.clone()
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Received {
    pub fn target(&self) -> &str {
        self.line.split(' ').nth(1).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "two `{name}`");
        value
    }
}

async fn converse(mut stream: TcpStream, kept: Arc<Mutex<Vec<Received>>>, answer: &'static str) {
    let mut bytes = Vec::new();
    loop {
        let head = loop {
            if let Some(end) = find(&bytes, b"\r\n\r\n") {
                break end + 4;
            }
            if read(&mut stream, &mut bytes).await == 0 {
                return;
            }
        };
        let mut received = parse(&bytes[..head]);
        bytes.drain(..head);
        if received.header("transfer-encoding").is_some() {
            while find(&bytes, b"0\r\n\r\n").is_none() && read(&mut stream, &mut bytes).await > 0 {}
            received.body = std::mem::take(&mut bytes);
        } else if let Some(length) = received.header("content-length") {
            let length: usize = length.parse().unwrap();
            while bytes.len() < length && read(&mut stream, &mut bytes).await > 0 {}
            received.body = bytes.drain(..length.min(bytes.len())).collect();
        }
        let is_websocket = received.header("upgrade").is_some();
        kept.lock().unwrap().push(received);
        if is_websocket {
            let accepted = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
            stream.write_all(accepted).await.unwrap();
            while read(&mut stream, &mut bytes).await > 0 {
                if stream.write_all(&std::mem::take(&mut bytes)).await.is_err() {
                    return;
                }
            }
            return;
        }
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn read(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> usize {
    stream.read_buf(bytes).await.unwrap_or(0)
}

fn find(bytes: &[u8], sought: &[u8]) -> Option<usize> {
    bytes.windows(sought.len()).position(|window| window == sought)
}

fn parse(head: &[u8]) -> Received {
    let text: String = head.iter().map(|byte| char::from(*byte)).collect();
    let mut lines = text.split("\r\n");
    let line = lines.next().unwrap().to_owned();
    let fields = lines.filter(|line| !line.is_empty()).map(|line| line.split_once(':').unwrap_or((line, "")));
    let headers = fields.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    Received { line, headers, body: Vec::new() }
}
